//! How projections are, as their runner says: lag, failures, what is parked, rebuilds, who owns them.

use cqrs::projection::{GenerationStatus, ProjectionStatus};
use eventstore::{Phase, Slot};

use super::catalogue as of;
use super::catalogue::Metric;
use super::sheet::{Sheet, Value};

pub(super) fn read(sheet: &mut Sheet, all: &[ProjectionStatus]) {
    let mut each = |metric: &'static Metric, value: &dyn Fn(&ProjectionStatus) -> Option<Value>| {
        let labelled = |one: &ProjectionStatus| Some((vec![one.name.clone()], value(one)?));
        sheet.values(metric, all.iter().filter_map(labelled));
    };
    each(&of::PROJECTION_LAG_EVENTS, &|one| live(one).map(|live| live.lag_events.into()));
    each(&of::PROJECTION_LAG_SECONDS, &|one| live(one).map(|live| live.lag.as_secs_f64().into()));
    each(&of::PROJECTION_DELAY_SECONDS, &|one| Some(seconds(one.numbers.last_delay_micros)));
    each(&of::PROJECTION_STEP_SECONDS, &|one| Some(seconds(one.numbers.last_step_micros)));
    each(&of::PROJECTION_HOLD_SECONDS, &|one| Some(seconds(one.numbers.last_hold_micros)));
    each(&of::PROJECTED_EVENTS, &|one| Some(one.numbers.events.into()));
    each(&of::PROJECTION_FAILURES, &|one| Some(one.numbers.failures.into()));
    each(&of::PROJECTION_RETRIES, &|one| Some(one.numbers.retries.into()));
    each(&of::PROJECTION_PARKED_EVENTS, &|one| Some(one.numbers.parked.into()));
    each(&of::PROJECTION_PARKED_STREAMS, &|one| Some(parked(one).into()));
    each(&of::PROJECTION_OWNED, &|one| Some(one.owner.as_ref().is_some_and(|owner| owner.here).into()));
    each(&of::PROJECTION_ORPHANED, &|one| Some(one.owner.is_none().into()));
    each(&of::PROJECTION_PAUSED, &|one| Some(is_paused(one).into()));
    each(&of::PROJECTION_TAKEN_OVER, &|one| Some(one.numbers.taken_over.into()));
    each(&of::PROJECTION_FENCED, &|one| Some(one.numbers.fenced.into()));
    each(&of::PROJECTION_BUILD_RATIO, &|one| building(one).map(|next| done(next).into()));
    each(&of::PROJECTION_BUILD_REMAINING, &|one| {
        building(one)?.progress.remaining.map(|remaining| remaining.as_secs_f64().into())
    });
}

fn live(one: &ProjectionStatus) -> Option<&GenerationStatus> {
    one.generations.iter().find(|status| status.generation.slot == Slot::Live)
}

/// The generation that is filled from history: beside the live one, or the live one itself when it is the first.
fn building(one: &ProjectionStatus) -> Option<&GenerationStatus> {
    let next = one.generations.iter().find(|status| status.generation.slot == Slot::Next);
    next.or_else(|| live(one).filter(|live| matches!(live.generation.phase, Phase::Walking { .. })))
}

fn parked(one: &ProjectionStatus) -> u64 {
    one.generations.iter().map(|status| status.generation.parked_streams).sum()
}

fn is_paused(one: &ProjectionStatus) -> bool {
    one.generations.iter().any(|status| status.generation.paused.is_some())
}

#[expect(clippy::cast_precision_loss, reason = "a share of the work is for people")]
fn done(status: &GenerationStatus) -> f64 {
    let progress = &status.progress;
    if progress.total == 0 { 1.0 } else { progress.done as f64 / progress.total as f64 }
}

#[expect(clippy::cast_precision_loss, reason = "microseconds of a year are exact in a double")]
fn seconds(micros: u64) -> Value {
    (micros as f64 / 1e6).into()
}
