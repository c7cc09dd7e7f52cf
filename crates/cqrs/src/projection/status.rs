//! How a projection is, for people and for metrics: what the store says, and what this process has counted.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use eventstore::{
    EventQuery, EventStore, Generation, Lease, Phase, Position, ProjectionError, ProjectionLayout,
    ProjectionMode, ReadError, Slot,
};
use jiff::Timestamp;

use super::RunnerSettings;

/// How one projection is.
#[derive(Clone, Debug)]
pub struct ProjectionStatus {
    /// Its name.
    pub name: String,
    /// What it is to this binary; `None` if only another one knows it.
    pub known: Option<Known>,
    /// Its generations, the live one first.
    pub generations: Vec<GenerationStatus>,
    /// Who owns it now; `None` if nobody does.
    pub owner: Option<Owner>,
    /// The latest wish, waiting or answered.
    pub wish: Option<eventstore::Wish>,
    /// What this process has counted since it started. All zero where it never was the owner.
    pub numbers: Numbers,
}

/// What a projection is to this binary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// What the rows that it writes mean.
    pub revision: u16,
    /// When they are written.
    pub mode: ProjectionMode,
}

/// Who owns a projection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// How it calls itself.
    pub label: String,
    /// Until when, unless it renews.
    pub expires_at: Timestamp,
    /// Whether it is this process.
    pub here: bool,
}

/// How one generation is.
#[derive(Clone, Debug)]
pub struct GenerationStatus {
    /// What the store says.
    pub generation: Generation,
    /// How many events of the log are not in its rows yet.
    pub lag_events: u64,
    /// How long ago the first of these was recorded. Zero if there is none.
    pub lag: Duration,
    /// How far it has come with what it is doing now.
    pub progress: Progression,
}

/// How far a generation has come: with the walk while it walks, else with the log.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progression {
    /// Events that are done.
    pub done: u64,
    /// Of how many.
    pub total: u64,
    /// Events a second, over the last half minute in which somebody asked; `None` at the first time of asking.
    pub rate: Option<f64>,
    /// When the rest is done, if it goes on like that; `None` if that cannot be told.
    pub remaining: Option<Duration>,
}

/// What a process has counted for a projection since it started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Numbers {
    /// Events that went through the projector, in whatever generation.
    pub events: u64,
    /// Steps that were taken.
    pub steps: u64,
    /// Steps that failed and will be tried again.
    pub failures: u64,
    /// Tries after a failure.
    pub retries: u64,
    /// Events that were parked.
    pub parked: u64,
    /// How often it took the lease.
    pub taken_over: u64,
    /// How often it lost the lease while it was working.
    pub fenced: u64,
    /// How long the last step kept the store, in microseconds.
    pub last_step_micros: u64,
    /// Between the recording of the last event that was projected and its being in the rows, in microseconds.
    pub last_delay_micros: u64,
    /// How long appends stood still for the last swap of an inline projection, in microseconds.
    pub last_hold_micros: u64,
}

/// Looks at everything there is.
pub(super) async fn look(
    store: &dyn EventStore,
    known: &[(&'static ProjectionLayout, Numbers)],
    settings: &RunnerSettings,
    meters: &Meters,
) -> Result<Vec<ProjectionStatus>, ProjectionError> {
    let projections = store.projections();
    let head = store.head().await?;
    let (leases, wishes) = (projections.leases().await?, projections.wishes().await?);
    let now = settings.clock.now();
    let mut all: Vec<ProjectionStatus> = Vec::new();
    for generation in in_order(projections.generations().await?) {
        if all.last().is_none_or(|last| last.name != generation.projection) {
            all.push(described(&generation.projection, known, &leases, &wishes, settings));
        }
        let inline =
            all.last().and_then(|last| last.known).map(|known| known.mode) == Some(ProjectionMode::Inline);
        let at_head = inline && generation.slot == Slot::Live;
        let lag = if at_head { Lag::default() } else { lag(store, &generation, head.position, now).await? };
        let progress = meters.progress(&generation, head.position);
        let status = GenerationStatus { generation, lag_events: lag.events, lag: lag.time, progress };
        all.last_mut().expect("one was pushed above").generations.push(status);
    }
    Ok(all)
}

fn in_order(mut generations: Vec<Generation>) -> Vec<Generation> {
    generations.sort_by(|a, b| (&a.projection, a.slot).cmp(&(&b.projection, b.slot)));
    generations
}

fn described(
    name: &str,
    known: &[(&'static ProjectionLayout, Numbers)],
    leases: &[Lease],
    wishes: &[eventstore::Wish],
    settings: &RunnerSettings,
) -> ProjectionStatus {
    let own = known.iter().find(|(layout, _)| layout.name == name);
    let lease = leases.iter().find(|lease| lease.projection == name && !lease.expired);
    ProjectionStatus {
        name: name.to_owned(),
        known: own.map(|(layout, _)| Known { revision: layout.revision, mode: layout.mode }),
        generations: Vec::new(),
        owner: lease.map(|lease| Owner {
            label: lease.label.clone(),
            expires_at: lease.expires_at,
            here: lease.fence.holder == settings.holder,
        }),
        wish: wishes.iter().find(|wish| wish.projection == name).cloned(),
        numbers: own.map_or_else(Numbers::default, |(_, numbers)| *numbers),
    }
}

#[derive(Default)]
struct Lag {
    events: u64,
    time: Duration,
}

/// What a generation has still to do. One that walks has everything to do.
async fn lag(
    store: &dyn EventStore,
    generation: &Generation,
    head: Position,
    now: Timestamp,
) -> Result<Lag, ReadError> {
    let at = match generation.phase {
        Phase::Tailing => generation.checkpoint.position,
        Phase::Walking { events_done, .. } => Position(events_done),
    };
    let events = head.0.saturating_sub(at.0);
    if events == 0 {
        return Ok(Lag::default());
    }
    let first = match generation.phase {
        Phase::Tailing => at,
        Phase::Walking { .. } => Position::START,
    };
    let page = store.events(&EventQuery::after(first, 1)).await?;
    let since = page.events.first().map_or(now, |event| event.recorded_at);
    Ok(Lag { events, time: now.duration_since(since).try_into().unwrap_or_default() })
}

/// What was seen of each generation lately, which is what a rate is made of. By projection and number.
#[derive(Debug, Default)]
pub(super) struct Meters(Mutex<HashMap<(String, u32), Sightings>>);

/// How many events were done at which moments.
type Sightings = VecDeque<(Instant, u64)>;

/// How far back a rate looks.
const METER_SPAN: Duration = Duration::from_secs(30);

impl Meters {
    fn progress(&self, generation: &Generation, head: Position) -> Progression {
        let (done, total) = match generation.phase {
            Phase::Tailing => (generation.checkpoint.position.0, head.0),
            Phase::Walking { events_done, .. } => (events_done, generation.checkpoint.position.0),
        };
        let rate = self.rate(generation, done, Instant::now());
        let left = total.saturating_sub(done);
        let remaining = match rate {
            _ if left == 0 => Some(Duration::ZERO),
            Some(rate) if rate > 0.0 => Duration::try_from_secs_f64(exact(left) / rate).ok(),
            Some(_) | None => None,
        };
        Progression { done, total, rate, remaining }
    }

    fn rate(&self, generation: &Generation, done: u64, now: Instant) -> Option<f64> {
        let key = (generation.projection.clone(), generation.number);
        let mut meters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = meters.entry(key).or_default();
        if seen.back().is_some_and(|(_, last)| *last > done) {
            seen.clear();
        }
        seen.push_back((now, done));
        // The last of those that are too old stays, so that somebody who asks once a minute learns something too.
        while seen.get(1).is_some_and(|(at, _)| now.duration_since(*at) > METER_SPAN) {
            seen.pop_front();
        }
        let (since, first) = *seen.front()?;
        let seconds = now.duration_since(since).as_secs_f64();
        (seconds > 0.0).then(|| exact(done - first) / seconds)
    }
}

#[expect(clippy::cast_precision_loss, reason = "a rate is for people")]
fn exact(count: u64) -> f64 {
    count as f64
}
