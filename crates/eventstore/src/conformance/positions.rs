//! One global order: 1, 2, 3 … as committed, seen by every reader the same.

use std::sync::Arc;

use tokio::task::{JoinSet, yield_now};

use super::Fixture;
use super::scene::{changes, conflict, creates, log, open, positions};
use crate::{EventQuery, EventStore, Position};

const WRITERS: u64 = 16;
const APPENDS: u64 = 40;

pub async fn positions_count_from_one_without_gaps<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    let first = creates(1).done(&*store).await;
    let second = creates(2).with_events(3).done(&*store).await;
    assert_eq!((first.position, second.position), (Position(1), Position(4)));
    assert_eq!(positions(&log(&*store).await), [1, 2, 3, 4]);
}

pub async fn concurrent_writers_share_one_dense_order<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    let mut acknowledged = write_at_once(&store).join_all().await.concat();
    acknowledged.sort_unstable();
    let events = log(&*store).await;
    assert_eq!(positions(&events), (1..=events.len() as u64).collect::<Vec<_>>());
    let latest = events.iter().filter(|event| event.version.0 % 2 == 0).map(|event| event.position.0);
    assert_eq!(acknowledged, latest.collect::<Vec<_>>(), "each answer names its append's last event");
    for pair in events.windows(2).filter(|pair| pair[0].version.0 % 2 == 1) {
        assert_eq!(pair[0].aggregate_id, pair[1].aggregate_id, "events of one append stand together");
        assert_eq!(pair[1].version, pair[0].version.next());
    }
}

pub async fn a_tailing_reader_sees_every_event_once_and_in_order<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    let writers = write_at_once(&store);
    let mut seen = Vec::new();
    let mut query = EventQuery::after(Position::START, 7);
    while seen.len() < usize::try_from(WRITERS * APPENDS * 2).expect("a few") {
        let page = store.events(&query).await.expect("the log is read");
        seen.extend(positions(&page.events));
        query.after = page.scanned_to;
        yield_now().await;
    }
    writers.join_all().await;
    assert_eq!(seen, (1..=WRITERS * APPENDS * 2).collect::<Vec<_>>());
}

pub async fn a_refused_append_leaves_no_gap<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    creates(1).done(&*store).await;
    assert_eq!(changes(1, 5).refused(&*store).await, conflict(1));
    assert_eq!(creates(1).refused(&*store).await, conflict(1));
    assert_eq!(creates(2).done(&*store).await.position, Position(2));
}

/// Each writer appends two events at a time to a stream of its own, and answers with the positions that it was told.
fn write_at_once<S: EventStore>(store: &Arc<S>) -> JoinSet<Vec<u64>> {
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let store = Arc::clone(store);
        writers.spawn(async move {
            let mut told = Vec::new();
            for n in 0..APPENDS {
                told.push(changes(writer, 2 * n).with_events(2).done(&*store).await.position.0);
            }
            told
        });
    }
    writers
}
