//! Where scenarios are played: the place, the effort, and what of them is wanted.

use tempfile::TempDir;

use crate::bar::Judged;
use crate::contender::{Place, on};
use crate::only::Only;
use crate::postgres::Database;
use crate::record::Series;
use crate::report::{self, Figure};
use crate::scenario::Scenario;
use crate::service::Engine;
use crate::turns::{self, Effort};
use crate::workload::Rung;

/// How large directories and pasts are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Size {
    Quick,
    Full,
}

#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) place: Place,
    pub(crate) effort: Effort,
    pub(crate) size: Size,
    pub(crate) only: Only,
}

/// What scenarios came to.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub(crate) bars: Vec<Judged>,
    pub(crate) figures: Vec<Figure>,
    pub(crate) series: Vec<Series>,
}

/// Of a scenario that has nothing to show but its bars.
impl From<Vec<Judged>> for Findings {
    fn from(bars: Vec<Judged>) -> Self {
        Self { bars, ..Self::default() }
    }
}

impl Findings {
    pub(crate) fn extend(&mut self, more: Self) {
        self.bars.extend(more.bars);
        self.figures.extend(more.figures);
        self.series.extend(more.series);
    }
}

impl Stage {
    /// Measures what the wanted bars of a scenario compare, in turns, and holds it against them.
    pub(crate) fn play(&self, mut scenario: Scenario) -> anyhow::Result<Findings> {
        scenario.bars.retain(|bar| self.only.wants(&bar.id));
        if self.size == Size::Quick || !self.only.everything() {
            scenario.beside.clear();
        }
        let figures = turns::take(&scenario, self.effort, &self.place)?;
        let shown = report::figures(&scenario, &figures);
        report::print_figures(scenario.name, &shown);
        Ok(Findings { bars: scenario.judge(&figures)?, figures: shown, ..Findings::default() })
    }

    /// A figure of the issue for a full run, and a smaller one that shows the shape.
    pub(crate) fn full_or_quick(&self, full: usize, quick: usize) -> usize {
        match self.size {
            Size::Full => full,
            Size::Quick => quick,
        }
    }

    /// Something that is played on a new store of either engine. It is told which, and where the store is.
    pub(crate) fn on_both_stores<T: Into<Findings>>(
        &self,
        play: impl Fn(Engine, &str) -> anyhow::Result<T>,
    ) -> anyhow::Result<Findings> {
        let mut findings = Findings::default();
        for engine in Engine::ALL {
            findings.extend(self.on_new_store(engine, |url| play(engine, url))?.into());
        }
        findings.bars.retain(|bar| self.only.wants(&bar.id));
        Ok(findings)
    }

    /// A new and empty store, which is gone afterwards.
    pub(crate) fn on_new_store<T>(
        &self,
        engine: Engine,
        play: impl FnOnce(&str) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        match engine {
            Engine::Sqlite => {
                let folder = TempDir::new_in(&self.place.folder)?;
                play(&format!("sqlite:{}", folder.path().join("store.db").display()))
            }
            Engine::Postgres => {
                let runtime = on(1)?;
                let database = runtime.block_on(Database::fresh(&self.place.server, Rung::Row))?;
                let played = play(&database.url);
                runtime.block_on(database.drop())?;
                played
            }
        }
    }
}
