//! The log stream by stream: what a projection is built from.

use super::Fixture;
use super::scene::{changes, creates, open, stream};
use crate::{EventStore, Position, RecordedEvent, StreamCursor};

/// Three streams whose events come in turns: 3, 1, 2, 3, 1, 2, 3, 1, 2.
async fn interleaved(store: &impl EventStore) {
    for version in 0..3 {
        for n in [3, 1, 2] {
            changes(n, version).done(store).await;
        }
    }
}

async fn page(
    store: &impl EventStore,
    after: Option<(u64, u64)>,
    up_to: u64,
    limit: u32,
) -> Vec<RecordedEvent> {
    let after =
        after.map(|(n, version)| StreamCursor { aggregate_id: stream(n), version: crate::Version(version) });
    store.streams(after, Position(up_to), limit).await.expect("streams are read")
}

fn places(events: &[RecordedEvent]) -> Vec<(u64, u64)> {
    events.iter().map(|event| (event.aggregate_id.0.as_u64_pair().1, event.version.0)).collect()
}

pub async fn streams_are_read_one_after_the_other<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    interleaved(&*store).await;
    let expected = [(1, 1), (1, 2), (1, 3), (2, 1), (2, 2), (2, 3), (3, 1), (3, 2), (3, 3)];
    for limit in [1, 2, 3, 4, 9, 100] {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let places = places(&page(&*store, after, 9, limit).await);
            assert!(places.len() <= limit as usize);
            let Some(last) = places.last() else { break };
            after = Some(*last);
            found.extend(places);
        }
        assert_eq!(found, expected, "{limit} at a time");
    }
}

pub async fn streams_are_read_up_to_a_position<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    interleaved(&*store).await;
    assert_eq!(places(&page(&*store, None, 5, 100).await), [(1, 1), (1, 2), (2, 1), (3, 1), (3, 2)]);
    assert_eq!(places(&page(&*store, Some((1, 2)), 5, 2).await), [(2, 1), (3, 1)]);
    assert_eq!(places(&page(&*store, None, 0, 100).await), []);
    assert_eq!(places(&page(&*store, None, 99, 100).await).len(), 9);
    assert_eq!(places(&page(&*store, Some((3, 3)), 99, 100).await), []);
}

pub async fn a_place_between_streams_is_a_place_too<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    creates(1).with_events(2).done(&*store).await;
    creates(5).with_events(2).done(&*store).await;
    let everything = u64::try_from(i64::MAX).expect("it is positive");
    assert_eq!(places(&page(&*store, Some((1, everything)), 9, 100).await), [(5, 1), (5, 2)]);
    assert_eq!(places(&page(&*store, Some((3, 0)), 9, 100).await), [(5, 1), (5, 2)]);
    assert_eq!(places(&page(&*store, Some((0, 0)), 9, 1).await), [(1, 1)]);
}

pub async fn events_of_streams_come_whole<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    interleaved(&*store).await;
    let by_stream = page(&*store, None, 9, 100).await;
    let mut by_position = by_stream.clone();
    by_position.sort_by_key(|event| event.position);
    assert_eq!(by_position, super::scene::log(&*store).await);
}
