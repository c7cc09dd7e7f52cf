//! Reads: by position or version, never by offset, and never more than was asked for.

use jiff::SignedDuration;

use super::Fixture;
use super::scene::{HandClock, changes, creates, event, open, open_with, positions, stream};
use crate::{EventPage, EventQuery, EventStore, Head, Position, RecordedEvent, Version};

async fn page(store: &impl EventStore, query: &EventQuery) -> EventPage {
    store.events(query).await.expect("the log is read")
}

/// Nine events: every third is a loan, and streams 4 to 6 are books.
async fn library(store: &impl EventStore) {
    for n in 1..=9 {
        let event_type = if n % 3 == 0 { "book.lent" } else { "book.bought" };
        let kind = if (4..=6).contains(&n) { "book" } else { "shelf" };
        creates(n).of_kind(kind).with_event(event(event_type)).done(store).await;
    }
}

/// Reads to the end, page by page, with checks on the way.
async fn walk(store: &impl EventStore, mut query: EventQuery) -> Vec<RecordedEvent> {
    let mut found = Vec::new();
    loop {
        let page = page(store, &query).await;
        assert!(page.events.len() <= query.limit as usize);
        assert!(
            page.events.iter().all(|event| event.position > query.after && event.position <= page.scanned_to)
        );
        found.extend(page.events);
        if page.scanned_to == query.after {
            return found;
        }
        query.after = page.scanned_to;
    }
}

pub async fn a_stream_is_read_after_a_version_up_to_a_limit<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    creates(1).with_events(3).done(&*store).await;
    creates(2).done(&*store).await;
    changes(1, 3).with_events(2).done(&*store).await;
    let read = async |after, limit| {
        let events = store.stream(stream(1), Version(after), limit).await.expect("the stream is read");
        events.iter().map(|event| (event.version.0, event.position.0)).collect::<Vec<_>>()
    };
    assert_eq!(read(0, 10).await, [(1, 1), (2, 2), (3, 3), (4, 5), (5, 6)]);
    assert_eq!(read(2, 2).await, [(3, 3), (4, 5)]);
    assert_eq!(read(5, 10).await, []);
    assert_eq!(store.stream(stream(9), Version::NONE, 10).await.expect("it is read"), []);
}

pub async fn the_head_of_a_stream_is_its_latest_event<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    creates(1).with_events(2).done(&*store).await;
    creates(2).done(&*store).await;
    let head = store.stream_head(stream(1)).await.expect("the stream is read").expect("there is one");
    assert_eq!((head.version, head.position), (Version(2), Position(2)));
    assert_eq!(store.stream_head(stream(3)).await.expect("the stream is read"), None);
}

pub async fn the_log_is_read_after_a_position_up_to_a_limit<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    library(&*store).await;
    let first = page(&*store, &EventQuery::after(Position(2), 3)).await;
    assert_eq!((positions(&first.events), first.scanned_to), (vec![3, 4, 5], Position(5)));
    let rest = page(&*store, &EventQuery::after(Position(5), 100)).await;
    assert_eq!((positions(&rest.events), rest.scanned_to), (vec![6, 7, 8, 9], Position(9)));
}

pub async fn nothing_new_leaves_the_reader_where_it_is<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    let nothing = |at| EventPage { events: Vec::new(), scanned_to: Position(at) };
    assert_eq!(page(&*store, &EventQuery::after(Position(0), 10)).await, nothing(0));
    creates(1).done(&*store).await;
    assert_eq!(page(&*store, &EventQuery::after(Position(1), 10)).await, nothing(1));
    assert_eq!(page(&*store, &EventQuery::after(Position(77), 10)).await, nothing(77), "nor beyond the head");
}

pub async fn the_log_is_filtered_by_type<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    library(&*store).await;
    for limit in [1, 2, 10] {
        let mut query = EventQuery::after(Position::START, limit);
        query.filter.event_types = vec!["book.lent".to_owned()];
        assert_eq!(positions(&walk(&*store, query.clone()).await), [3, 6, 9]);
        query.filter.event_types.push("book.bought".to_owned());
        assert_eq!(walk(&*store, query).await.len(), 9);
    }
}

pub async fn the_log_is_filtered_by_kind_of_stream<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    library(&*store).await;
    for limit in [1, 2, 10] {
        let mut query = EventQuery::after(Position::START, limit);
        query.filter.aggregate_type = Some("book".to_owned());
        assert_eq!(positions(&walk(&*store, query.clone()).await), [4, 5, 6]);
        query.filter.event_types = vec!["book.lent".to_owned()];
        assert_eq!(positions(&walk(&*store, query).await), [6]);
    }
}

pub async fn a_filter_that_nothing_passes_still_comes_to_the_end<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    library(&*store).await;
    let mut query = EventQuery::after(Position(1), 2);
    query.filter.event_types = vec!["book.burnt".to_owned()];
    while query.after < Position(9) {
        let page = page(&*store, &query).await;
        assert_eq!(page.events, []);
        assert!(page.scanned_to > query.after, "each page gets further");
        query.after = page.scanned_to;
    }
    assert_eq!(query.after, Position(9));
}

pub async fn an_empty_log_has_an_empty_head<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    let empty = Head { position: Position::START, event_id: None, recorded_at: None };
    assert_eq!(store.head().await.expect("the head is read"), empty);
    assert_eq!(store.claims(None, 10).await.expect("claims are read"), []);
}

pub async fn the_head_is_the_latest_event<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    let command = creates(1).with_events(2);
    let last = command.0.events[1].event_id;
    let appended = command.done(&*store).await;
    let head = store.head().await.expect("the head is read");
    let expected =
        Head { position: Position(2), event_id: Some(last), recorded_at: Some(appended.recorded_at) };
    assert_eq!(head, expected);
}

pub async fn the_position_at_a_moment_is_that_of_the_latest_event_by_then<F: Fixture>(fixture: &F) {
    let clock = HandClock::new();
    let store = open_with(fixture, &clock).await;
    let first = clock.shows();
    let at = async |moment| store.position_at(moment).await.expect("it is looked up").0;
    assert_eq!(at(first).await, 0, "in an empty log");
    creates(1).done(&*store).await;
    clock.turn(SignedDuration::from_mins(1));
    creates(2).with_events(3).done(&*store).await;
    clock.turn(SignedDuration::from_mins(1));
    creates(3).done(&*store).await;
    let microsecond = SignedDuration::from_micros(1);
    assert_eq!(at(first - microsecond).await, 0, "before the first");
    assert_eq!(at(first).await, 1, "exactly the first");
    assert_eq!(at(first + SignedDuration::from_secs(59)).await, 1, "between two");
    assert_eq!(at(first + SignedDuration::from_mins(1)).await, 4, "the last of an append");
    assert_eq!(at(first + SignedDuration::from_hours(5)).await, 5, "after the last");
}
