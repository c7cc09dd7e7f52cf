//! Whether a checkpoint is one of this log. A backup that was restored, also one that has been appended to since, has
//! another event where the projection has been, and what the projection made of the lost ones must not be built upon.

use eventstore::{
    Checkpoint, EventId, EventQuery, EventStore, Generation, Position, ReadError, RecordedEvent,
};

/// How the reason of a pause begins that only another generation ends.
pub(super) const LOG_DIVERGED: &str = "LOG_DIVERGED";

/// Whether a generation stands where this log never was: what it shows is not of this log.
pub(super) fn is_diverged(generation: &Generation) -> bool {
    generation.paused.as_deref().is_some_and(|reason| reason.starts_with(LOG_DIVERGED))
}

/// Where to read from, so that the event at the checkpoint comes along.
pub(super) fn read_from(checkpoint: &Checkpoint) -> Position {
    Position(checkpoint.position.0.saturating_sub(1))
}

/// What is wrong with a checkpoint, seen from events that were read from before it. Takes the event at the checkpoint
/// away from them.
pub(super) fn difference(
    store: &dyn EventStore,
    checkpoint: &Checkpoint,
    events: &mut Vec<RecordedEvent>,
) -> Option<String> {
    let Checkpoint { log_id, position, event_id } = *checkpoint;
    if log_id != store.log_id() {
        return Some(reason("its rows were made from another log"));
    }
    if position == Position::START {
        return None;
    }
    let there = events.first().filter(|event| event.position == position).map(|event| event.event_id);
    if there.is_some() {
        events.remove(0);
    }
    match (event_id, there) {
        (Some(known), Some(there)) if known == there => None,
        (_, Some(EventId(there))) => {
            Some(reason(&format!("another event ({there}) stands at {position}, where it has been")))
        }
        (_, None) => Some(reason(&format!("the log ends before {position}, where it has been"))),
    }
}

/// What is wrong with a checkpoint.
pub(super) async fn found(
    store: &dyn EventStore,
    checkpoint: &Checkpoint,
) -> Result<Option<String>, ReadError> {
    let query =
        EventQuery { up_to: Some(checkpoint.position), ..EventQuery::after(read_from(checkpoint), 1) };
    let mut events = match checkpoint.position {
        Position::START => Vec::new(),
        _ => store.events(&query).await?.events,
    };
    Ok(difference(store, checkpoint, &mut events))
}

fn reason(what: &str) -> String {
    format!(
        "{LOG_DIVERGED}: {what}. Was a backup restored? Nothing has been written since; rebuild the projection"
    )
}
