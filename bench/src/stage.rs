//! Where scenarios are played: the place, the effort, and what of them is wanted.

use crate::bar::Judged;
use crate::contender::Place;
use crate::only::Only;
use crate::report::{self, Figure};
use crate::scenario::Scenario;
use crate::turns::{self, Effort};

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
}

impl Findings {
    pub(crate) fn extend(&mut self, more: Self) {
        self.bars.extend(more.bars);
        self.figures.extend(more.figures);
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
        Ok(Findings { bars: scenario.judge(&figures)?, figures: shown })
    }

    /// A figure of the issue for a full run, and a smaller one that shows the shape.
    pub(crate) fn full_or_quick(&self, full: usize, quick: usize) -> usize {
        match self.size {
            Size::Full => full,
            Size::Quick => quick,
        }
    }
}
