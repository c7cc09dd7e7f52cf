//! A projection as an operator sees it, as JSON: over `admin.sock`, and from the command line.

use cqrs::projection::{GenerationStatus, ProjectionStatus};
use eventstore::{Parked, Phase};
use serde_json::{Value, json};

/// How a projection is.
#[must_use]
pub fn shown(status: &ProjectionStatus) -> Value {
    let numbers = &status.numbers;
    json!({
        "name": status.name,
        "known": status.known.is_some(),
        "mode": status.known.map(|known| format!("{:?}", known.mode).to_lowercase()),
        "owner": status.owner.as_ref().map(|owner| owner.label.as_str()),
        "generations": status.generations.iter().map(generation).collect::<Vec<_>>(),
        "wish": status.wish.as_ref().map(|wish| json!({
            "ticket": wish.ticket,
            "wish": wish.wish,
            "answer": wish.answer,
            "asked_at": wish.asked_at.to_string(),
        })),
        "failures": numbers.failures,
        "retries": numbers.retries,
        "hold_seconds": micros(numbers.last_hold_micros),
    })
}

fn generation(status: &GenerationStatus) -> Value {
    let generation = &status.generation;
    json!({
        "slot": generation.slot.as_str(),
        "number": generation.number,
        "revision": generation.revision,
        "phase": match generation.phase {
            Phase::Walking { .. } => "walking",
            Phase::Tailing => "tailing",
        },
        "position": generation.checkpoint.position.0,
        "lag_events": status.lag_events,
        "lag_seconds": status.lag.as_secs_f64(),
        "events_done": status.progress.done,
        "events_total": status.progress.total,
        "events_per_second": status.progress.rate,
        "seconds_left": status.progress.remaining.map(|left| left.as_secs_f64()),
        "paused": generation.paused,
        "parked_users": generation.parked_streams,
    })
}

/// A parked event, by reference: nothing of it is shown.
#[must_use]
pub fn parked(parked: &Parked) -> Value {
    json!({
        "projection": parked.projection,
        "slot": parked.slot.as_str(),
        "user_id": parked.event.aggregate_id.to_string(),
        "position": parked.event.position.0,
        "version": parked.event.version.0,
        "cause": parked.event.cause,
        "parked_at": parked.parked_at.to_string(),
    })
}

#[expect(clippy::cast_precision_loss, reason = "a duration is for people")]
fn micros(micros: u64) -> f64 {
    micros as f64 / 1e6
}
