//! A step of a generation that follows the log: a page of events, their rows, and the checkpoint after them.

use std::time::Duration;

use eventstore::{AggregateId, Checkpoint, EventQuery, Position, Progress, RecordedEvent, Slot, Writing};

use super::divergence;
use super::fold::Fold;
use super::tended::{Moved, Tended, streams_of};
use super::workplace::{Trouble, Workplace};

/// Takes a step, up to a position if one is given.
pub(super) async fn step<E: Send + Sync + 'static>(
    place: &Workplace<E>,
    tended: &mut Tended,
    up_to: Option<Position>,
) -> Result<Moved, Trouble> {
    let checkpoint = tended.generation.checkpoint;
    let limit = tended.pace.events();
    let up_to = up_to.map(|up_to| up_to.max(checkpoint.position));
    let query = EventQuery { up_to, ..EventQuery::after(divergence::read_from(&checkpoint), limit + 1) };
    let mut events = place.store.events(&query).await?.events;
    if let Some(reason) = divergence::difference(&*place.store, &checkpoint, &mut events) {
        if tended.generation.slot == Slot::Live {
            // Before anybody can know better: what it shows is not of this log.
            place.shown.send_replace(None);
        }
        tended.pause(place, reason).await?;
        return Ok(Moved::Paused);
    }
    events.truncate(limit as usize);
    let Some(last) = events.last() else { return Ok(Moved::Idle) };
    let (count, recorded_at) = (events.len(), last.recorded_at);
    let position = Checkpoint { position: last.position, event_id: Some(last.event_id), ..checkpoint };
    let fold = folded(place, tended, events).await?;
    let time = write(place, tended, fold, position, count).await?;
    tended.pace.took(count, time);
    if tended.generation.slot == Slot::Live {
        let delay = place.settings.clock.now().duration_since(recorded_at);
        place.counters.delay(Duration::try_from(delay).unwrap_or_default());
    }
    tended.pause_if_too_much_is_parked(place).await?;
    Ok(if count < limit as usize { Moved::ToHead } else { Moved::Far })
}

/// What events come to, going on from the states that are in the rows.
pub(super) async fn folded<E: Send + Sync + 'static>(
    place: &Workplace<E>,
    tended: &Tended,
    events: Vec<RecordedEvent>,
) -> Result<Fold, Trouble> {
    let mut streams: Vec<AggregateId> = events.iter().map(|event| event.aggregate_id).collect();
    streams.sort_unstable();
    streams.dedup();
    let (table, slot) = (place.layout.tables[0], tended.generation.slot);
    let states = place.projections().states(table, slot, &streams).await?;
    let stopped = streams.into_iter().filter(|stream| tended.parked.contains(stream)).collect();
    let happened = place.read(events).await?;
    let mut fold = Fold::from(states, stopped);
    fold.all(&*place.projector, &happened);
    Ok(fold)
}

async fn write<E: Send + Sync + 'static>(
    place: &Workplace<E>,
    tended: &mut Tended,
    fold: Fold,
    checkpoint: Checkpoint,
    events: usize,
) -> Result<Duration, Trouble> {
    let to = Progress { checkpoint, ..tended.progress() };
    let rows = fold.rows.into_batch(Writing::Upsert);
    let mut batch = tended.batch(place);
    batch.streams = streams_of(&rows, fold.streams);
    (batch.to, batch.rows, batch.park) = (to, rows, fold.park.clone());
    let time = place.apply(batch, events).await?;
    tended.moved(to, &fold.park);
    Ok(time)
}
