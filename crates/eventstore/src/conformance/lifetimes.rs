//! Opening, closing and opening again; and what nobody can do, with whatever rights.

use std::sync::Arc;

use tokio::task::JoinSet;

use super::scene::{
    changes, conflict, creates, document, duplicate, log, open, owner, positions, secret, stream,
};
use super::tables::{new_document, new_secret};
use super::{Fixture, Instances, Setting};
use crate::{AppendError, EventStore};

pub async fn everything_is_there_after_a_restart<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    let rows = creates(1).writing(new_document(stream(1), "kept")).writing(new_secret(stream(1), b"kept"));
    rows.taking(7).requested(9).done(&*store).await;
    changes(1, 1).with_events(3).done(&*store).await;
    let (events, head) = (log(&*store).await, store.head().await.expect("the head is read"));
    let (document_before, secret_before) = (document(&*store, 1).await, secret(&*store, 1).await);
    assert!(events.len() == 4 && document_before.is_some() && secret_before.is_some());
    store.close().await;
    drop(store);

    let store = open(fixture).await;
    assert_eq!((log(&*store).await, store.head().await.expect("the head is read")), (events, head));
    assert_eq!((document(&*store, 1).await, secret(&*store, 1).await), (document_before, secret_before));
    assert_eq!(owner(&*store, 7).await, Some(stream(1)));
    assert_eq!(duplicate(creates(2).requested(9).refused(&*store).await).aggregate_id, stream(1));
    assert_eq!(changes(1, 1).refused(&*store).await, conflict(4));
    assert_eq!(changes(1, 4).done(&*store).await.position.0, 5, "and it goes on where it was");
}

pub async fn a_log_keeps_its_id<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    let id = store.log_id();
    store.close().await;
    drop(store);
    assert_eq!(open(fixture).await.log_id(), id);
    let other = F::fresh().await;
    assert_ne!(open(&other).await.log_id(), id);
}

pub async fn a_closed_store_takes_no_appends<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    creates(1).done(&*store).await;
    store.close().await;
    let result = creates(2).on(&*store).await;
    assert!(matches!(result, Err(AppendError::StoreDown)), "{result:?}");
    store.close().await;
    assert_eq!(log(&*open(fixture).await).await.len(), 1);
}

pub async fn closing_finishes_what_has_begun<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    let mut writers = JoinSet::new();
    for n in 1..=64 {
        let store = Arc::clone(&store);
        writers.spawn(async move { (n, creates(n).on(&*store).await) });
    }
    tokio::task::yield_now().await;
    store.close().await;
    let mut taken = Vec::new();
    for (n, result) in writers.join_all().await {
        match result {
            Ok(_) => taken.push(stream(n)),
            Err(AppendError::StoreDown) => {}
            Err(other) => panic!("neither taken nor refused: {other:?}"),
        }
    }
    taken.sort_unstable();
    let mut found: Vec<_> = log(&*open(fixture).await).await.iter().map(|event| event.aggregate_id).collect();
    found.sort_unstable();
    assert_eq!(found, taken);
}

pub async fn a_second_instance_shares_the_log_or_is_turned_away<F: Fixture>(fixture: &F) {
    let first = open(fixture).await;
    creates(1).taking(7).done(&*first).await;
    let second = fixture.open(Setting::plain::<F>()).await;
    match F::INSTANCES {
        Instances::One => drop(second.expect_err("the second is turned away")),
        Instances::Any => share(first, Arc::new(second.expect("the second opens"))).await,
    }
}

async fn share<S: EventStore>(first: Arc<S>, second: Arc<S>) {
    assert_eq!(first.log_id(), second.log_id());
    assert_eq!(changes(1, 5).refused(&*second).await, conflict(1));
    creates(2).taking(7).refused(&*second).await;
    let mut writers = JoinSet::new();
    for n in 10..26 {
        let store = Arc::clone(if n % 2 == 0 { &first } else { &second });
        writers.spawn(async move {
            for version in 0..20 {
                changes(n, version).done(&*store).await;
            }
        });
    }
    writers.join_all().await;
    let events = log(&*first).await;
    assert_eq!(positions(&events), (1..=321).collect::<Vec<_>>());
    assert_eq!(log(&*second).await, events);
}

pub async fn history_cannot_be_rewritten<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    creates(1).with_events(2).done(&*store).await;
    let before = log(&*store).await;
    for statement in
        ["UPDATE events SET data = 'lies'", "DELETE FROM events WHERE position = 2", "DELETE FROM events"]
    {
        assert!(fixture.raw(statement).await.is_err(), "the owner: {statement}");
        assert!(store.execute(statement, &[]).await.is_err(), "the service: {statement}");
    }
    assert_eq!(log(&*store).await, before);
}
