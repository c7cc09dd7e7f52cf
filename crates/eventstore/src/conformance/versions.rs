//! Optimistic concurrency: an append on any version but the head's is refused, and hears where the head is.

use std::sync::Arc;

use tokio::task::JoinSet;

use super::Fixture;
use super::scene::{changes, conflict, creates, log, open, rejection, stream};
use crate::{EventStore, Version};

pub async fn versions_count_from_one_in_each_stream<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    assert_eq!(creates(1).with_events(2).done(&*store).await.version, Version(2));
    assert_eq!(creates(2).done(&*store).await.version, Version(1));
    assert_eq!(changes(1, 2).done(&*store).await.version, Version(3));
    let events = store.stream(stream(1), Version::NONE, 10).await.expect("the stream is read");
    assert_eq!(events.iter().map(|event| event.version.0).collect::<Vec<_>>(), [1, 2, 3]);
}

pub async fn an_append_on_a_stale_version_is_a_conflict<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    creates(1).with_events(3).done(&*store).await;
    assert_eq!(changes(1, 2).refused(&*store).await, conflict(3));
    assert_eq!(log(&*store).await.len(), 3);
}

pub async fn an_append_ahead_of_the_head_is_a_conflict<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    creates(1).done(&*store).await;
    assert_eq!(changes(1, 2).refused(&*store).await, conflict(1));
    assert_eq!(log(&*store).await.len(), 1);
}

pub async fn an_append_to_a_missing_stream_is_a_conflict<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    assert_eq!(changes(1, 1).refused(&*store).await, conflict(0));
    assert_eq!(log(&*store).await.len(), 0);
}

pub async fn creating_a_stream_that_exists_is_a_conflict<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    creates(1).with_events(2).done(&*store).await;
    assert_eq!(creates(1).refused(&*store).await, conflict(2));
}

pub async fn of_many_appends_on_one_version_one_wins<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    creates(1).done(&*store).await;
    let mut racers = JoinSet::new();
    for _ in 0..16 {
        let store = Arc::clone(&store);
        racers.spawn(async move { changes(1, 1).on(&*store).await });
    }
    let (won, lost): (Vec<_>, Vec<_>) = racers.join_all().await.into_iter().partition(Result::is_ok);
    assert_eq!((won.len(), lost.len()), (1, 15));
    assert!(lost.into_iter().all(|result| rejection(result) == conflict(2)));
    assert_eq!(log(&*store).await.len(), 2);
}

pub async fn an_append_without_events_needs_the_right_version_too<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    creates(1).with_events(2).done(&*store).await;
    let nothing = |expected, n| changes(1, expected).with_events(0).requested(n);
    assert_eq!(nothing(1, 1).refused(&*store).await, conflict(2));
    assert_eq!(nothing(3, 2).refused(&*store).await, conflict(2));
    assert_eq!(nothing(2, 3).done(&*store).await.version, Version(2));
}
