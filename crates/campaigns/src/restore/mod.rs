//! Restore: an older backup, which has been appended past the old head, takes the place of the log under projections and
//! feeds that were beyond it; once with everything that is derived, once the log alone. Whatever stands on lost events stops
//! with `LOG_DIVERGED`, and says what to do; what an operator then does makes the fold of the log that there is.

mod head_only;
mod log_alone;
mod listening;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::ValueEnum;
use cqrs::projection::{Then, Wish};
use eventstore::{EventStore, Generation, Phase, Position, ProjectionLayout, ProjectionMode, Row, Slot};
use tokio::time::sleep;
use user_service::projections::LAYOUTS;

use crate::ground::{Ground, Kind};
use crate::ours::Ours;
use crate::population::Population;
use crate::sabotage::Sabotaged;
use crate::seed::Seed;
use crate::verdict::Findings;
use crate::{oracle, projection_oracle};
use head_only::HeadOnly;

/// How often a backup is put back on each store, by turns with and without what is derived.
const SMALL: u64 = 2;

/// Under the control, once: the log alone.
const CONTROL: u64 = 1;

/// Things that happen before the backup, and after it.
const HISTORY: (u64, u64) = (60, 40);

/// How far a backup goes past the log that it takes the place of.
const PAST: u64 = 20;

const PAUSE: Duration = Duration::from_millis(10);

/// A projection looks once a second at least.
const PATIENCE: Duration = Duration::from_secs(20);

/// What makes this campaign fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Control {
    /// Whether a log is still the same is told by how far it goes
    HeadOnly,
}

pub(crate) async fn run(size: Option<u64>, control: Option<Control>, seed: Seed) -> anyhow::Result<Findings> {
    let mut findings = Findings::default();
    let times = size.unwrap_or(if control.is_some() { CONTROL } else { SMALL });
    for kind in Kind::BOTH {
        findings.take(on(kind, times, control, seed).await?);
    }
    Ok(findings)
}

/// What is put back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Restored {
    /// Rows and checkpoints of projections stay where they are.
    TheLogAlone,
    Everything,
}

async fn on(kind: Kind, times: u64, control: Option<Control>, seed: Seed) -> anyhow::Result<Findings> {
    let ground = Ground::new(kind).await?;
    ground.options()?.migrate().await?;
    let mut place = Place { ground, control, seed, findings: Findings::default(), told: Told::default() };
    let ours = place.start().await?;
    place.act(&ours, "first", HISTORY.0).await?;
    projection_oracle::settle(ours.directory.store(), &mut place.findings).await?;
    ours.stop().await?;
    let backup = place.ground.backup().await?;
    let mut ours = place.start().await?;
    for n in 0..times {
        let restored = if n % 2 == 0 { Restored::TheLogAlone } else { Restored::Everything };
        place.act(&ours, &format!("lost-{n}"), HISTORY.1).await?;
        ours = place.put_under(ours, restored, &backup, n).await?;
        if !place.findings.is_empty() {
            place.findings.add("this was first seen after", format!("{kind}: {restored:?}, {n} others"));
            break;
        }
    }
    if place.findings.is_empty() {
        oracle::examine(&ours.directory, &mut place.findings).await?;
    }
    ours.stop().await?;
    let Told { restores, stopped, listeners, rows } = place.told;
    println!(
        "{kind}: a backup that had gone further was put back {restores} times; {stopped} projections and {listeners} listeners \
         stopped; {rows} rows compared at the end"
    );
    Ok(place.findings)
}

/// What came of it, for people.
#[derive(Debug, Default)]
struct Told {
    restores: u64,
    stopped: usize,
    listeners: usize,
    rows: usize,
}

/// A store with a service that runs on it.
struct Place {
    ground: Ground,
    control: Option<Control>,
    seed: Seed,
    findings: Findings,
    told: Told,
}

impl Place {
    async fn start(&self) -> anyhow::Result<Ours> {
        let store = self.ground.options()?.open().await?;
        match self.control {
            Some(Control::HeadOnly) => Ours::over(Arc::new(Sabotaged { store, by: HeadOnly })).await,
            None => Ours::over(store).await,
        }
    }

    async fn act(&self, ours: &Ours, name: &str, count: u64) -> anyhow::Result<()> {
        let mut people = Population::new(ours.directory.clone(), name, self.seed.rng(name, 0));
        for _ in 0..count {
            people.act().await?;
        }
        Ok(())
    }

    /// Puts a backup under the service, or, where that cannot be, under the next one.
    async fn put_under(
        &mut self,
        ours: Ours,
        restored: Restored,
        backup: &Ground,
        n: u64,
    ) -> anyhow::Result<Ours> {
        let store = ours.directory.store();
        projection_oracle::settle(store, &mut self.findings).await?;
        let (before, lost) = (rows(store).await?, store.head().await?.position);
        let listening = match self.control {
            Some(Control::HeadOnly) => Vec::new(),
            None => listening::at(&ours).await?,
        };
        self.go_past(backup, lost, n).await?;
        let ours = match self.ground.kind {
            Kind::Sqlite => {
                ours.stop().await?;
                self.put_back(restored, backup).await?;
                self.start().await?
            }
            Kind::Postgres => {
                self.put_back(restored, backup).await?;
                ours
            }
        };
        self.told.restores += 1;
        self.act(&ours, &format!("after-{n}"), HISTORY.1).await?;
        self.told.listeners += listening.len();
        for listening in listening {
            listening.learns(&ours, &mut self.findings).await;
        }
        let stopped = self.stopped(&ours, restored).await?;
        if restored == Restored::TheLogAlone {
            self.nothing_is_written(&ours, &before).await?;
        }
        if self.control.is_none() {
            self.do_what_is_said(&ours, &stopped).await?;
        }
        self.told.stopped += stopped.len();
        self.told.rows = projection_oracle::compare(&ours.directory, &mut self.findings).await?;
        Ok(ours)
    }

    /// Somebody has served the backup elsewhere, and other things have happened there, and more.
    async fn go_past(&self, backup: &Ground, lost: Position, n: u64) -> anyhow::Result<()> {
        let elsewhere = Ours::start(backup).await?;
        let name = format!("other-{n}");
        let mut others = Population::new(elsewhere.directory.clone(), &name, self.seed.rng(&name, 0));
        while elsewhere.directory.store().head().await?.position < Position(lost.0 + PAST) {
            others.act().await?;
        }
        let mut ignored = Findings::default();
        projection_oracle::settle(elsewhere.directory.store(), &mut ignored).await?;
        elsewhere.stop().await
    }

    async fn put_back(&self, restored: Restored, backup: &Ground) -> anyhow::Result<()> {
        match restored {
            Restored::TheLogAlone => log_alone::put_back(&self.ground, backup).await,
            Restored::Everything => self.ground.restore(backup).await,
        }
    }

    /// Waits until every projection stands where it is going to stand, and says which have stopped. Beside a log that was
    /// put back alone, all of them; each says why, and what to do.
    async fn stopped(
        &mut self,
        ours: &Ours,
        restored: Restored,
    ) -> anyhow::Result<Vec<&'static ProjectionLayout>> {
        let began = Instant::now();
        while !self.stands(ours).await? {
            if began.elapsed() > PATIENCE {
                self.findings.add("a projection neither goes on nor stops", format!("{restored:?}"));
                break;
            }
            sleep(PAUSE).await;
        }
        let mut stopped = Vec::new();
        for (layout, live) in live(ours).await? {
            match live.paused {
                Some(reason) if reason.starts_with("LOG_DIVERGED") && reason.contains("rebuild") => {
                    stopped.push(layout);
                }
                Some(reason) => self.findings.add("a projection says nothing of use", reason),
                None if restored == Restored::TheLogAlone => {
                    self.findings.add("a projection goes on with another log", layout.name);
                }
                None => {}
            }
        }
        Ok(stopped)
    }

    async fn stands(&self, ours: &Ours) -> anyhow::Result<bool> {
        let head = ours.directory.store().head().await?;
        let live = live(ours).await?;
        Ok(live.iter().all(|(_, live)| {
            let there = live.phase == Phase::Tailing && live.checkpoint.event_id == head.event_id;
            there || live.paused.is_some()
        }))
    }

    async fn nothing_is_written(&mut self, ours: &Ours, before: &Rows) -> anyhow::Result<()> {
        for (table, rows) in rows(ours.directory.store()).await? {
            if before.get(table) != Some(&rows) {
                self.findings.add("rows that were made of lost events have changed", table);
            }
        }
        Ok(())
    }

    /// What the message says.
    async fn do_what_is_said(
        &mut self,
        ours: &Ours,
        stopped: &[&'static ProjectionLayout],
    ) -> anyhow::Result<()> {
        for layout in stopped {
            ours.directory.projections().wish(layout.name, &Wish::Rebuild(Then::Switch)).await?;
        }
        projection_oracle::settle(ours.directory.store(), &mut self.findings).await?;
        Ok(())
    }
}

/// The live generations of those that follow the log.
async fn live(ours: &Ours) -> anyhow::Result<Vec<(&'static ProjectionLayout, Generation)>> {
    let generations = ours.directory.store().projections().generations().await?;
    let live = generations.into_iter().filter(|it| it.slot == Slot::Live);
    Ok(live.filter_map(|live| Some((async_layout(&live.projection)?, live))).collect())
}

fn async_layout(name: &str) -> Option<&'static ProjectionLayout> {
    let mut layouts = LAYOUTS.iter().filter(|layout| layout.mode == ProjectionMode::Async);
    layouts.find(|layout| layout.name == name).copied()
}

/// Rows by table.
type Rows = BTreeMap<&'static str, BTreeMap<Row, Row>>;

/// Everything that is derived and not written with the log.
async fn rows(store: &dyn EventStore) -> anyhow::Result<Rows> {
    let mut all = Rows::new();
    for layout in LAYOUTS.iter().filter(|layout| layout.mode == ProjectionMode::Async) {
        for table in layout.tables {
            all.insert(table.name, projection_oracle::rows_of(store, table).await?);
        }
    }
    Ok(all)
}
