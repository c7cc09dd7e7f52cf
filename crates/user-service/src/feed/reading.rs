//! How feeds read the log: after a place that they have seen, and never without looking whether it is still there.

use eventstore::{
    Checkpoint, Direction, EventFilter, EventQuery, EventStore, Position, ReadError, RecordedEvent,
};

use super::filter;

/// How far a filtered page looks at most, so that its listener is told of progress.
const SCANNED_MAX: u64 = 10_000;

/// Some events, and how far the log has been looked at for them.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) events: Vec<RecordedEvent>,
    pub(super) scanned_to: Checkpoint,
}

/// The end of the log.
pub(super) async fn head(store: &dyn EventStore) -> Result<Checkpoint, ReadError> {
    let head = store.head().await?;
    Ok(Checkpoint { log_id: store.log_id(), position: head.position, event_id: head.event_id })
}

/// The place at a position; `None` if the log has not got there.
pub(super) async fn at(store: &dyn EventStore, position: Position) -> Result<Option<Checkpoint>, ReadError> {
    let log_id = store.log_id();
    if position == Position::START {
        return Ok(Some(Checkpoint { log_id, position, event_id: None }));
    }
    let query = EventQuery::after(Position(position.0 - 1), 1);
    let found = store.events(&query).await?.events.into_iter().next();
    let found = found.filter(|event| event.position == position);
    Ok(found.map(|event| Checkpoint { log_id, position, event_id: Some(event.event_id) }))
}

/// At most `limit` events after a place; `None` if the log is not the one that it is a place of.
pub(super) async fn after(
    store: &dyn EventStore,
    from: &Checkpoint,
    filter: &EventFilter,
    limit: u32,
) -> Result<Option<Page>, ReadError> {
    if from.log_id != store.log_id() {
        return Ok(None);
    }
    if filter::is_open(filter) {
        everything(store, from, limit).await
    } else {
        some(store, from, filter, limit).await
    }
}

/// One read: the event at the place comes with those after it.
async fn everything(
    store: &dyn EventStore,
    from: &Checkpoint,
    limit: u32,
) -> Result<Option<Page>, ReadError> {
    let overlap = u32::from(from.position > Position::START);
    let query = EventQuery::after(Position(from.position.0 - u64::from(overlap)), limit + overlap);
    let mut events = store.events(&query).await?.events;
    if overlap == 1 {
        if events.first().map(|event| (event.position, Some(event.event_id)))
            != Some((from.position, from.event_id))
        {
            return Ok(None);
        }
        events.remove(0);
    }
    let scanned_to = events.last().map_or(*from, |last| place(from, last));
    Ok(Some(Page { events, scanned_to }))
}

/// The store filters, so the event where the page ends may not be in it. What stands at both ends is looked up around
/// the page: the end before it and the beginning after it, so that a log which is exchanged in between is found out by
/// one of the two, now or at the next page.
async fn some(
    store: &dyn EventStore,
    from: &Checkpoint,
    filter: &EventFilter,
    limit: u32,
) -> Result<Option<Page>, ReadError> {
    let head = head(store).await?;
    let far = Position(from.position.0.saturating_add(SCANNED_MAX));
    let end = if far < head.position { at(store, far).await?.unwrap_or(head) } else { head };
    if end.position < from.position {
        return Ok(None);
    }
    let query = EventQuery {
        after: from.position,
        up_to: Some(end.position),
        direction: Direction::OldestFirst,
        filter: filter.clone(),
        limit,
    };
    let page = store.events(&query).await?;
    let scanned_to = match page.events.last() {
        Some(last) if last.position == page.scanned_to => Some(place(from, last)),
        Some(_) | None if page.scanned_to == from.position => Some(*from),
        Some(_) | None if page.scanned_to == end.position => Some(end),
        Some(_) | None => at(store, page.scanned_to).await?,
    };
    let still_there = at(store, from.position).await?.as_ref() == Some(from);
    Ok(scanned_to.filter(|_| still_there).map(|scanned_to| Page { events: page.events, scanned_to }))
}

fn place(from: &Checkpoint, event: &RecordedEvent) -> Checkpoint {
    Checkpoint { log_id: from.log_id, position: event.position, event_id: Some(event.event_id) }
}
