//! A command is executed at most once under one request id, and whoever repeats it hears what it did.

use std::sync::Arc;

use tokio::task::JoinSet;

use super::Fixture;
use super::scene::{changes, conflict, creates, duplicate, log, open, owner, rejection, request, stream};
use crate::{EventStore, Position, RequestKey, RequestRecord, Version};

async fn remembered(store: &impl EventStore, n: u64) -> Option<RequestRecord> {
    store.request(request(n).key).await.expect("requests are read")
}

pub async fn a_request_id_is_executed_once<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    creates(1).done(&*store).await;
    changes(1, 1).with_events(2).requested(9).done(&*store).await;
    let record = duplicate(changes(1, 3).requested(9).refused(&*store).await);
    let expected = RequestRecord {
        fingerprint: request(9).fingerprint,
        aggregate_id: stream(1),
        version: Version(3),
        position: Position(3),
    };
    assert_eq!(record, expected);
    assert_eq!(remembered(&*store, 9).await, Some(expected));
    assert_eq!(remembered(&*store, 8).await, None);
    assert_eq!(log(&*store).await.len(), 3);
}

pub async fn a_used_request_id_comes_before_a_conflict_and_a_taken_claim<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    creates(1).taking(7).requested(9).done(&*store).await;
    let again = creates(1).taking(7).requested(9).refused(&*store).await;
    assert_eq!(duplicate(again).version, Version(1));
    let elsewhere = creates(2).taking(7).requested(9).refused(&*store).await;
    assert_eq!(duplicate(elsewhere).aggregate_id, stream(1));
}

pub async fn a_conflict_comes_before_a_taken_claim<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    creates(1).taking(7).done(&*store).await;
    creates(2).with_events(2).done(&*store).await;
    assert_eq!(changes(2, 1).taking(7).refused(&*store).await, conflict(2));
}

pub async fn a_command_that_changes_nothing_is_remembered<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    creates(1).done(&*store).await;
    creates(2).done(&*store).await;
    let appended = changes(1, 1).with_events(0).requested(9).done(&*store).await;
    assert_eq!((appended.position, appended.version), (Position(2), Version(1)));
    let record = duplicate(changes(1, 1).with_events(0).requested(9).refused(&*store).await);
    assert_eq!((record.position, record.version), (Position(2), Version(1)));
    assert_eq!(creates(3).done(&*store).await.position, Position(3), "it took no position");
}

pub async fn a_refused_append_leaves_its_request_id_unused<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    creates(1).done(&*store).await;
    changes(1, 4).requested(9).refused(&*store).await;
    assert_eq!(remembered(&*store, 9).await, None);
    assert_eq!(changes(1, 1).requested(9).done(&*store).await.version, Version(2));
}

pub async fn of_many_appends_with_one_request_id_one_is_executed<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    let mut racers = JoinSet::new();
    for n in 1..=16 {
        let store = Arc::clone(&store);
        racers.spawn(async move { creates(n).taking(n).requested(9).on(&*store).await });
    }
    let (won, lost): (Vec<_>, Vec<_>) = racers.join_all().await.into_iter().partition(Result::is_ok);
    let [Ok(winner)] = won[..] else { panic!("one is executed: {won:?}") };
    assert!(lost.into_iter().all(|result| duplicate(rejection(result)).position == winner.position));
    assert_eq!(log(&*store).await.len(), 1);
}

pub async fn pruning_forgets_the_old_and_keeps_the_young<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    for n in 1..=5 {
        // The later the request, the lower its key: the walk meets young ones before old ones.
        creates(n).requested(100 - n).done(&*store).await;
    }
    let mut walked = None::<RequestKey>;
    let mut pages = 0;
    loop {
        walked = store.prune_requests(Position(3), walked, 2).await.expect("requests are pruned");
        pages += 1;
        if walked.is_none() {
            break;
        }
    }
    assert!((2..=4).contains(&pages), "{pages} pages of two for five requests");
    for n in 1..=5 {
        assert_eq!(remembered(&*store, 100 - n).await.is_some(), n > 3, "request {n}");
    }
}

pub async fn a_forgotten_request_id_can_be_used_again<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    creates(1).taking(7).requested(9).done(&*store).await;
    store.prune_requests(Position(1), None, 10).await.expect("requests are pruned");
    creates(2).requested(9).done(&*store).await;
    assert_eq!(remembered(&*store, 9).await.map(|record| record.aggregate_id), Some(stream(2)));
    assert_eq!(owner(&*store, 7).await, Some(stream(1)), "what it did stays");
}
