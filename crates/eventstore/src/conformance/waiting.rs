//! Readers who wait for more of the log.

use std::sync::Arc;

use super::Fixture;
use super::scene::{begin, creates, open};
use crate::{EventStore, Position};

pub async fn whoever_asks_for_what_is_there_does_not_wait<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    creates(1).with_events(3).done(&*store).await;
    for position in 0..=2 {
        let mut beyond = Box::pin(store.beyond(Position(position)));
        assert!(begin(&mut beyond).await.is_some(), "{position}");
    }
    let mut beyond = Box::pin(store.beyond(Position(3)));
    assert!(begin(&mut beyond).await.is_none(), "there is nothing yet");
}

pub async fn whoever_waits_sees_what_is_appended<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    let reader = {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            let mut seen = Position::START;
            while seen < Position(50) {
                store.beyond(seen).await;
                seen = store.head().await.expect("the head is read").position;
            }
        })
    };
    for n in 1..=50 {
        creates(n).done(&*store).await;
        tokio::task::yield_now().await;
    }
    reader.await.expect("she saw all of it");
}

/// After about a second: somebody may have appended elsewhere.
pub async fn a_wait_for_nothing_ends<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    creates(1).done(&*store).await;
    store.beyond(Position(1)).await;
    store.beyond(Position(u64::MAX)).await;
}

pub async fn a_wait_can_be_given_up<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    for n in 1..=3 {
        let mut beyond = Box::pin(store.beyond(Position(n)));
        assert!(begin(&mut beyond).await.is_none());
        drop(beyond);
        creates(n).done(&*store).await;
    }
}
