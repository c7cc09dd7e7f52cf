//! Projector crash: the runner dies at every call that it makes of the store, before or after it was done, while every
//! projection follows the log, is built anew, switched and rolled back; another goes on. The rows stay the fold.

mod crash;

use std::collections::BTreeMap;
use std::sync::Arc;

use clap::ValueEnum;
use cqrs::projection::{Projections, RunnerSettings, Then, Wish};
use eventstore::{EventStore, Slot};
use tokio_util::sync::CancellationToken;
use user_service::Sources;
use user_service::directory::Directory;
use user_service::projections::{LAYOUTS, projectors};

use crate::ground::{Ground, Kind};
use crate::population::Population;
use crate::projecting::settings;
use crate::sabotage::Sabotaged;
use crate::seed::Seed;
use crate::tampered::Tampered;
use crate::verdict::Findings;
use crate::{instance, projection_oracle};
use crash::{CHECKPOINT, Crash, Moment, Side};

/// Crashes of a run, half of them on each store.
const SMALL: u64 = 26;

/// Crashes under a control: it is found at once.
const CONTROL: u64 = 12;

/// Things that happen before the first crash, and between two.
const HISTORY: (u64, u64) = (60, 4);

/// Few, so that there are many steps.
const EVENTS_PER_STEP: u32 = 16;

/// What makes this campaign fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Control {
    /// The rows of a step are written in one transaction, its checkpoint in another
    CheckpointApart,
}

pub(crate) async fn run(size: Option<u64>, control: Option<Control>, seed: Seed) -> anyhow::Result<Findings> {
    let crashes = size.unwrap_or(if control.is_some() { CONTROL } else { SMALL });
    let mut findings = Findings::default();
    for (kind, crashes) in Kind::BOTH.into_iter().zip([crashes / 2, crashes.div_ceil(2)]) {
        findings.take(on(kind, crashes, control, seed).await?);
    }
    Ok(findings)
}

/// By turns each kind of call, first its first ones, on both sides.
fn moment(n: u64, calls: &BTreeMap<&'static str, u64>, control: Option<Control>) -> Option<Moment> {
    let kinds = calls.len() as u64;
    let (turn, kind) = (n / kinds, usize::try_from(n % kinds).ok()?);
    let (call, count) = calls.iter().nth(kind)?;
    let side = if control.is_some() || (n + turn).is_multiple_of(2) { Side::Before } else { Side::After };
    Some(Moment { call, count: 1 + turn / 2 % count, side })
}

/// A store whose projections are worked on by one process after the other.
struct Place {
    store: Arc<dyn EventStore>,
    directory: Directory,
}

async fn on(kind: Kind, crashes: u64, control: Option<Control>, seed: Seed) -> anyhow::Result<Findings> {
    let ground = Ground::new(kind).await?;
    let options = ground.options()?;
    options.migrate().await?;
    let store = options.open().await?;
    let directory = instance::directory(Arc::clone(&store), Sources::system()).await?;
    let place = Place { store, directory };
    let mut people = Population::new(place.directory.clone(), "crash", seed.rng("people", 0));
    for _ in 0..HISTORY.0 {
        people.act().await?;
    }
    let mut findings = Findings::default();
    place.work(None, None, &mut findings).await?;
    place.wish(0).await?;
    let calls = match control {
        Some(Control::CheckpointApart) => BTreeMap::from([(CHECKPOINT, 1)]),
        None => place.work(None, None, &mut findings).await?.calls(),
    };
    let (mut died, mut rows) = (0, 0);
    for n in 0..crashes {
        for _ in 0..HISTORY.1 {
            people.act().await?;
        }
        place.wish(n).await?;
        let at = moment(n, &calls, control);
        if place.work(at, control, &mut findings).await?.dead.is_cancelled() {
            died += 1;
            place.let_leases_expire().await?;
        }
        place.work(None, None, &mut findings).await?;
        place.wishes_are_granted(&mut findings).await?;
        rows = projection_oracle::compare(&place.directory, &mut findings).await?;
        if !findings.is_empty() {
            findings.add("this was first seen after a crash", format!("{kind}: {n}, {at:?}"));
            break;
        }
    }
    projection_oracle::nobody_is_parked(&*place.store, &mut findings).await?;
    println!(
        "{kind}: {died} crashes at {} kinds of calls, {} of which a rebuild of everything makes; {rows} rows compared \
         after each",
        calls.len(),
        calls.values().sum::<u64>()
    );
    place.store.close().await;
    Ok(findings)
}

impl Place {
    /// Runs everything until all is done or the process dies.
    async fn work(
        &self,
        at: Option<Moment>,
        control: Option<Control>,
        findings: &mut Findings,
    ) -> anyhow::Result<Arc<Crash>> {
        let by = Arc::new(Crash::at(at, control));
        let tampered = Tampered { store: Arc::clone(&self.store), by: Arc::clone(&by) };
        let store = Arc::new(Sabotaged { store: Arc::clone(&self.store), by: tampered });
        let settings = RunnerSettings { step_events_max: EVENTS_PER_STEP, ..settings() };
        let decode = Arc::new(self.directory.decoder());
        let projections = Projections::new(store, decode, projectors(), settings);
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let running = tokio::spawn(async move { projections.run(stopped).await });
        tokio::select! {
            settled = projection_oracle::settle(&*self.store, findings) => drop(settled?),
            () = by.dead.cancelled() => running.abort(),
        }
        stop.cancel();
        match running.await {
            Ok(()) => Ok(by),
            Err(error) if error.is_cancelled() => Ok(by),
            Err(error) => Err(error.into()),
        }
    }

    /// What the clock does by itself, at once.
    async fn let_leases_expire(&self) -> anyhow::Result<()> {
        let projections = self.store.projections();
        for lease in projections.leases().await? {
            projections.release(&lease.projection, lease.fence).await?;
        }
        Ok(())
    }

    /// By turns a projection is built anew and switched to, rolled back, and left to follow the log.
    async fn wish(&self, n: u64) -> anyhow::Result<()> {
        let generations = self.store.projections().generations().await?;
        for (layout, turn) in LAYOUTS.iter().zip(n..) {
            let prior = generations.iter().any(|it| it.projection == layout.name && it.slot == Slot::Prior);
            let wish = match turn % 3 {
                0 => Wish::Rebuild(Then::Switch),
                1 if prior => Wish::Rollback,
                _ => continue,
            };
            self.directory.projections().wish(layout.name, &wish).await?;
        }
        Ok(())
    }

    /// Whoever wished something got it.
    async fn wishes_are_granted(&self, findings: &mut Findings) -> anyhow::Result<()> {
        for wish in self.store.projections().wishes().await? {
            let answer = wish.answer.unwrap_or_default();
            if !answer.contains(" is live") {
                findings
                    .add("a wish is not granted", format!("{} of {}: {answer}", wish.wish, wish.projection));
            }
        }
        Ok(())
    }
}
