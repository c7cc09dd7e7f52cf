//! The rows of one stream, made anew from its history. The rest of the generation, and the counts, stay as they are.

use eventstore::{AggregateId, NewParked, Position, ProjectionMode, RecordedEvent, Slot, Writing};

use super::fold::Fold;
use super::outcome::Outcome;
use super::refold::{history, rows_of};
use super::rows::is_about_streams;
use super::tended::{Tended, streams_of};
use super::workplace::{Trouble, Workplace};

/// Parked events that are read at once.
const PAGE: u32 = 1000;

/// Mends the rows of a stream in the live generation, in one step: no reader sees less. Says what became of it.
pub(super) async fn stream<E: Send + Sync + 'static>(
    place: &Workplace<E>,
    live: &mut Tended,
    stream: AggregateId,
) -> Result<Outcome, Trouble> {
    match place.layout.mode {
        ProjectionMode::Async => rewrite(place, live, stream).await,
        ProjectionMode::Inline => {
            // Her row is written by appends too: none may come between the look and the writing.
            let held = place.projections().hold_appends().await?;
            let generations = place.projections().generations().await?;
            let own = |found: &&eventstore::Generation| {
                found.projection == place.name() && found.slot == Slot::Live
            };
            if let Some(found) = generations.iter().find(own) {
                live.generation = found.clone();
            }
            let mended = rewrite(place, live, stream).await;
            drop(held);
            mended
        }
    }
}

async fn rewrite<E: Send + Sync + 'static>(
    place: &Workplace<E>,
    live: &mut Tended,
    stream: AggregateId,
) -> Result<Outcome, Trouble> {
    if !live.is_tailing() {
        return Ok(Outcome::refused("the projection is being built"));
    }
    let events = history(place, stream, live.generation.checkpoint.position).await?;
    if events.is_empty() && !has_rows(place, stream).await? {
        return Ok(Outcome::refused("there is no such stream"));
    }
    let parked = all_parked(place, live, stream).await?;
    let Some(mut fold) = refolded(place, events, &parked).await? else {
        return Ok(Outcome::refused("an event that is in the rows cannot be projected any more"));
    };
    for table in place.layout.tables.iter().copied().filter(|table| is_about_streams(table)) {
        fold.rows.delete_first(table, stream);
    }
    let mut batch = live.batch(place);
    batch.rows = fold.rows.into_batch(Writing::Upsert);
    batch.streams = streams_of(&batch.rows, fold.streams);
    let projected = |known: &&NewParked| fold.park.iter().all(|failed| failed.position != known.position);
    batch.unpark = parked.iter().filter(projected).map(|known| known.position).collect();
    batch.park = fold.park.into_iter().filter(|failed| !parked.contains(failed)).collect();
    let is_parked = batch.unpark.len() < parked.len();
    place.apply(batch, 0).await?;
    if !is_parked {
        live.parked.remove(&stream);
    }
    Ok(Outcome::Done(format!("the rows of {stream} have been made anew")))
}

/// Whether there are rows about a stream, which need not have events then: somebody else wrote them.
async fn has_rows<E: Send + Sync + 'static>(
    place: &Workplace<E>,
    stream: AggregateId,
) -> Result<bool, Trouble> {
    for table in place.layout.tables.iter().copied().filter(|table| is_about_streams(table)) {
        if !rows_of(place, table, Slot::Live, stream).await?.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What her events come to. Those that were never parked have been counted already. `None` if one of these cannot be
/// projected now: it would be counted twice when it can be again.
async fn refolded<E: Send + Sync + 'static>(
    place: &Workplace<E>,
    events: Vec<RecordedEvent>,
    parked: &[NewParked],
) -> Result<Option<Fold>, Trouble> {
    let first_parked = parked.first().map(|parked| parked.position);
    let happened = place.read(events).await?;
    let counted = happened
        .partition_point(|event| Some(event.recorded.position) < first_parked || first_parked.is_none());
    let mut fold = Fold::default();
    fold.all(&*place.projector, &happened[..counted]);
    if !fold.park.is_empty() {
        return Ok(None);
    }
    fold.rows.forget_about_nobody();
    fold.all(&*place.projector, &happened[counted..]);
    Ok(Some(fold))
}

async fn all_parked<E: Send + Sync + 'static>(
    place: &Workplace<E>,
    live: &Tended,
    stream: AggregateId,
) -> Result<Vec<NewParked>, Trouble> {
    let (mut all, mut after): (Vec<NewParked>, _) = (Vec::new(), Position::START);
    loop {
        let slot = live.generation.slot;
        let page = place.projections().parked(place.name(), slot, Some(stream), after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(all) };
        after = last.event.position;
        all.extend(page.into_iter().map(|parked| parked.event));
    }
}
