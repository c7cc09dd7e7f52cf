//! Another try with what is parked, and leaving it out for ever.

use std::collections::HashSet;

use eventstore::{AggregateId, NewParked, Position, RecordedEvent, Version, Writing};

use super::fold::{Fold, Happened};
use super::tended::{TOO_MANY_PARKED, Tended, streams_of};
use super::workplace::{Trouble, Workplace};

/// Events that are tried at once.
const PAGE: u32 = 500;

/// What another try came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Retried {
    /// Events that are in the rows now.
    pub(super) projected: u64,
    /// Streams that are still parked.
    pub(super) still_parked: usize,
    /// Whether none of those that were tried is.
    pub(super) all_taken: bool,
}

/// Tries the parked events of one stream, or of all, in order. Those after one that fails again stay with it.
pub(super) async fn retry<E: Send + Sync + 'static>(
    place: &Workplace<E>,
    tended: &mut Tended,
    stream: Option<AggregateId>,
) -> Result<Retried, Trouble> {
    let mut streams: Vec<_> = match stream {
        Some(stream) => vec![stream],
        None => tended.parked.iter().copied().collect(),
    };
    streams.sort_unstable();
    let mut projected = 0;
    for stream in &streams {
        projected += retry_stream(place, tended, *stream).await?;
    }
    end_pause(place, tended).await?;
    let all_taken = streams.iter().all(|stream| !tended.parked.contains(stream));
    Ok(Retried { projected, still_parked: tended.parked.len(), all_taken })
}

async fn retry_stream<E: Send + Sync + 'static>(
    place: &Workplace<E>,
    tended: &mut Tended,
    stream: AggregateId,
) -> Result<u64, Trouble> {
    let mut projected = 0;
    loop {
        let parked = page(place, tended, stream).await?;
        if parked.is_empty() {
            tended.parked.remove(&stream);
            return Ok(projected);
        }
        let happened = place.read(events(place, &parked).await?).await?;
        let all = happened.len() == parked.len();
        let taken = take(place, tended, stream, &parked, &happened).await?;
        projected += taken as u64;
        if taken < happened.len() || !all {
            return Ok(projected);
        }
    }
}

/// Projects until one fails. How many did not.
async fn take<E: Send + Sync + 'static>(
    place: &Workplace<E>,
    tended: &mut Tended,
    stream: AggregateId,
    parked: &[NewParked],
    happened: &[Happened<E>],
) -> Result<usize, Trouble> {
    let (table, slot) = (place.layout.tables[0], tended.generation.slot);
    let states = place.projections().states(table, slot, &[stream]).await?;
    let mut fold = Fold::from(states, HashSet::new());
    let taken = happened.iter().take_while(|happened| fold.one(&*place.projector, happened)).count();
    // The one that fails now may have waited for another only, or fail for another reason.
    let failed: Vec<_> = fold.park.into_iter().filter(|failed| !parked.contains(failed)).collect();
    if taken == 0 && failed.is_empty() {
        return Ok(0);
    }
    let mut batch = tended.batch(place);
    batch.rows = fold.rows.into_batch(Writing::Upsert);
    batch.streams = streams_of(&batch.rows, fold.streams);
    batch.unpark = parked[..taken].iter().chain(&failed).map(|parked| parked.position).collect();
    batch.park = failed;
    place.apply(batch, taken).await?;
    Ok(taken)
}

/// Leaves out what is parked of a stream. How many events that are.
pub(super) async fn drop_stream<E: Send + Sync + 'static>(
    place: &Workplace<E>,
    tended: &mut Tended,
    stream: AggregateId,
    reason: &str,
) -> Result<usize, Trouble> {
    let mut dropped = 0;
    loop {
        let parked = page(place, tended, stream).await?;
        if parked.is_empty() {
            break;
        }
        dropped += parked.len();
        let mut batch = tended.batch(place);
        batch.unpark = parked.iter().map(|parked| parked.position).collect();
        place.apply(batch, 0).await?;
    }
    tended.parked.remove(&stream);
    let projection = place.name();
    tracing::warn!(projection, %stream, dropped, reason, "parked events are left out of a projection");
    end_pause(place, tended).await?;
    Ok(dropped)
}

/// Parked events of a stream, in order.
pub(super) async fn page<E: Send + Sync + 'static>(
    place: &Workplace<E>,
    tended: &Tended,
    stream: AggregateId,
) -> Result<Vec<NewParked>, Trouble> {
    let (slot, start) = (tended.generation.slot, Position::START);
    let parked = place.projections().parked(place.name(), slot, Some(stream), start, PAGE).await?;
    Ok(parked.into_iter().map(|parked| parked.event).collect())
}

/// The events themselves. They follow each other in their stream.
async fn events<E: Send + Sync + 'static>(
    place: &Workplace<E>,
    parked: &[NewParked],
) -> Result<Vec<RecordedEvent>, Trouble> {
    let Some(first) = parked.first() else { return Ok(Vec::new()) };
    let after = Version(first.version.0.saturating_sub(1));
    let mut events = place.store.stream(first.aggregate_id, after, PAGE).await?;
    events.retain(|event| parked.iter().any(|parked| parked.position == event.position));
    Ok(events)
}

/// A generation that paused because too much was parked goes on when that is over.
async fn end_pause<E: Send + Sync + 'static>(
    place: &Workplace<E>,
    tended: &mut Tended,
) -> Result<(), Trouble> {
    let paused =
        tended.generation.paused.as_deref().is_some_and(|reason| reason.starts_with(TOO_MANY_PARKED));
    if paused && tended.parked.len() <= place.settings.parked_streams_max {
        place.projections().pause(place.name(), tended.fence, tended.generation.slot, None).await?;
        tended.generation.paused = None;
    }
    Ok(())
}
