//! Parts of the log: from either end, up to a position, and only what passes a filter.

use uuid::Uuid;

use super::Fixture;
use super::scene::{Command, changes, creates, event, open, positions, stream};
use crate::{Direction, EventFilter, EventPage, EventQuery, EventStore, Position, RecordedEvent};

/// What belongs together.
fn errand(n: u64) -> Uuid {
    Uuid::from_u64_pair(7, n)
}

fn by(command: Command, actor: &str, errand_of: u64) -> Command {
    let mut command = command;
    command.0.metadata.actor = Some(actor.to_owned());
    command.0.metadata.correlation_id = Some(errand(errand_of));
    command
}

/// Twelve events on three streams, in turns: Ada does the even ones, each errand is four events long, every third is a
/// loan, and the last two are nobody's.
async fn library(store: &impl EventStore) {
    for n in 0..12_u64 {
        let event_type = if n % 3 == 2 { "book.lent" } else { "book.bought" };
        let command = changes(n % 3 + 1, n / 3).with_event(event(event_type));
        let actor = if n % 2 == 1 { "ada" } else { "bea" };
        let command = if n < 10 { by(command, actor, n / 4) } else { command };
        let kind = if n % 3 == 1 { "shelf" } else { "book" };
        command.of_kind(kind).done(store).await;
    }
}

async fn page(store: &impl EventStore, query: &EventQuery) -> EventPage {
    store.events(query).await.expect("the log is read")
}

fn query(direction: Direction, filter: &EventFilter, limit: u32) -> EventQuery {
    EventQuery { direction, filter: filter.clone(), ..EventQuery::after(Position::START, limit) }
}

/// Reads to the end, page by page, with checks on the way.
async fn walk(store: &impl EventStore, mut query: EventQuery) -> Vec<RecordedEvent> {
    let mut found = Vec::new();
    loop {
        let page = page(store, &query).await;
        assert!(page.events.len() <= query.limit as usize);
        let looked_at = |position| match query.direction {
            Direction::OldestFirst => position > query.after && position <= page.scanned_to,
            Direction::NewestFirst => {
                position > page.scanned_to && query.up_to.is_none_or(|up_to| position <= up_to)
            }
        };
        assert!(page.events.iter().all(|event| looked_at(event.position)), "{query:?} {page:?}");
        found.extend(page.events);
        if page.scanned_to == query.after {
            return found;
        }
        match query.direction {
            Direction::OldestFirst => query.after = page.scanned_to,
            Direction::NewestFirst => query.up_to = Some(page.scanned_to),
        }
    }
}

/// From both ends, on small pages and large ones.
async fn check(store: &impl EventStore, filter: EventFilter, expected: &[u64]) {
    for limit in [1, 2, 3, 100] {
        let found = walk(store, query(Direction::OldestFirst, &filter, limit)).await;
        assert_eq!(positions(&found), expected, "{filter:?}, {limit} at a time");
        let mut found = walk(store, query(Direction::NewestFirst, &filter, limit)).await;
        found.reverse();
        assert_eq!(positions(&found), expected, "{filter:?} from the end, {limit} at a time");
    }
}

pub async fn the_log_is_read_from_its_end<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    library(&*store).await;
    let newest = query(Direction::NewestFirst, &EventFilter::default(), 5);
    let first = page(&*store, &newest).await;
    assert_eq!((positions(&first.events), first.scanned_to), (vec![12, 11, 10, 9, 8], Position(7)));
    let second = page(&*store, &EventQuery { up_to: Some(Position(7)), ..newest.clone() }).await;
    assert_eq!((positions(&second.events), second.scanned_to), (vec![7, 6, 5, 4, 3], Position(2)));
    let rest = page(&*store, &EventQuery { up_to: Some(Position(2)), ..newest.clone() }).await;
    assert_eq!((positions(&rest.events), rest.scanned_to), (vec![2, 1], Position::START));
    let nothing = page(&*store, &EventQuery { up_to: Some(Position::START), ..newest.clone() }).await;
    assert_eq!((nothing.events, nothing.scanned_to), (vec![], Position::START));
    let above = page(&*store, &EventQuery { after: Position(10), ..newest }).await;
    assert_eq!((positions(&above.events), above.scanned_to), (vec![12, 11], Position(10)));
}

pub async fn the_log_is_read_up_to_a_position<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    library(&*store).await;
    let up_to =
        |after, up_to| EventQuery { up_to: Some(Position(up_to)), ..EventQuery::after(Position(after), 100) };
    let found = page(&*store, &up_to(3, 5)).await;
    assert_eq!((positions(&found.events), found.scanned_to), (vec![4, 5], Position(5)));
    for (after, end) in [(5, 5), (6, 5), (12, 99), (0, 0)] {
        let found = page(&*store, &up_to(after, end)).await;
        assert_eq!((found.events, found.scanned_to), (vec![], Position(after)), "after {after} up to {end}");
    }
    assert_eq!(page(&*store, &up_to(10, 99)).await.scanned_to, Position(12), "no further than the head");
}

pub async fn the_log_is_filtered_by_stream<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    library(&*store).await;
    let of = |streams: &[u64]| EventFilter {
        aggregate_ids: streams.iter().copied().map(stream).collect(),
        ..EventFilter::default()
    };
    check(&*store, of(&[2]), &[2, 5, 8, 11]).await;
    check(&*store, of(&[3, 1]), &[1, 3, 4, 6, 7, 9, 10, 12]).await;
    check(&*store, of(&[9]), &[]).await;
    check(&*store, of(&[2, 9, 2]), &[2, 5, 8, 11]).await;
    let within = EventQuery { up_to: Some(Position(8)), ..query(Direction::OldestFirst, &of(&[2]), 100) };
    let found = page(&*store, &EventQuery { after: Position(2), ..within }).await;
    assert_eq!((positions(&found.events), found.scanned_to), (vec![5, 8], Position(8)));
}

pub async fn the_log_is_filtered_by_who_did_it<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    library(&*store).await;
    let by = |actor: &str| EventFilter { actor: Some(actor.to_owned()), ..EventFilter::default() };
    check(&*store, by("ada"), &[2, 4, 6, 8, 10]).await;
    check(&*store, by("bea"), &[1, 3, 5, 7, 9]).await;
    check(&*store, by("ad"), &[]).await;
}

pub async fn the_log_is_filtered_by_what_belongs_together<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    library(&*store).await;
    let of = |n| EventFilter { correlation_id: Some(errand(n)), ..EventFilter::default() };
    check(&*store, of(1), &[5, 6, 7, 8]).await;
    check(&*store, of(2), &[9, 10]).await;
    check(&*store, of(9), &[]).await;
}

pub async fn filters_narrow_each_other<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    library(&*store).await;
    let filter = EventFilter {
        event_types: vec!["book.bought".to_owned(), "book.burnt".to_owned()],
        aggregate_ids: vec![stream(1), stream(2)],
        actor: Some("ada".to_owned()),
        ..EventFilter::default()
    };
    check(&*store, filter.clone(), &[2, 4, 8, 10]).await;
    check(&*store, EventFilter { aggregate_type: Some("shelf".to_owned()), ..filter.clone() }, &[2, 8]).await;
    check(&*store, EventFilter { correlation_id: Some(errand(1)), ..filter }, &[8]).await;
    let types = EventFilter { event_types: vec!["book.lent".to_owned()], ..EventFilter::default() };
    check(&*store, types, &[3, 6, 9, 12]).await;
}

/// More than one page looks at, and nothing of it is wanted.
pub async fn a_long_way_through_what_nobody_wants_comes_to_an_end<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    creates(1).with_event(event("book.bought")).done(&*store).await;
    for version in 0..25_u64 {
        changes(2, version * 1000).with_events(1000).done(&*store).await;
    }
    creates(3).with_event(event("book.bought")).done(&*store).await;
    let wanted = EventFilter { event_types: vec!["book.bought".to_owned()], ..EventFilter::default() };
    check(&*store, wanted.clone(), &[1, 25_002]).await;
    let of_all = EventFilter { aggregate_ids: vec![stream(1), stream(2), stream(3)], ..wanted };
    check(&*store, of_all, &[1, 25_002]).await;
}
