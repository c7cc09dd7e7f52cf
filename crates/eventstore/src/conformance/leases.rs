//! The right to write a projection: one has it at a time, and whoever lost it cannot write.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::Fixture;
use super::projecting::{LONG, assert_fenced, generations, holder, rows, step, tailing};
use super::scene::{creates, open};
use super::tables::{NOTE, NOTES};
use crate::{EventStore, Fence, Position, Slot};

async fn lease(store: &impl EventStore, n: u64, ttl: Duration) -> Option<Fence> {
    let label = format!("holder {n}");
    store.projections().lease(NOTES.name, holder(n), &label, ttl).await.expect("it is asked for")
}

async fn owners(store: &impl EventStore) -> Vec<(String, Fence, String)> {
    let leases = store.projections().leases().await.expect("leases are read");
    leases.into_iter().map(|lease| (lease.projection, lease.fence, lease.label)).collect()
}

/// Whether each has expired, by the store's clock.
async fn expired(store: &impl EventStore) -> Vec<bool> {
    let leases = store.projections().leases().await.expect("leases are read");
    leases.into_iter().map(|lease| lease.expired).collect()
}

pub async fn a_projection_has_one_owner<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    assert_eq!(owners(&*store).await, []);
    let fence = lease(&*store, 1, LONG).await.expect("it is free");
    assert_eq!(fence.holder, holder(1));
    assert_eq!(lease(&*store, 2, LONG).await, None);
    assert_eq!(lease(&*store, 1, LONG).await, Some(fence), "the epoch stays with the holder");
    assert_eq!(owners(&*store).await, [("notes".to_owned(), fence, "holder 1".to_owned())]);
}

pub async fn of_many_who_want_it_one_gets_it<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    let mut asking = JoinSet::new();
    for n in 1..=16 {
        let store = Arc::clone(&store);
        asking.spawn(async move { lease(&*store, n, LONG).await });
    }
    let won: Vec<_> = asking.join_all().await.into_iter().flatten().collect();
    assert_eq!(won.len(), 1, "{won:?}");
    assert_eq!(owners(&*store).await[0].1, won[0]);
}

pub async fn an_expired_lease_can_be_taken<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    let first = lease(&*store, 1, Duration::ZERO).await.expect("it is free");
    assert_eq!(owners(&*store).await.len(), 1, "expired ones are listed too");
    assert_eq!(expired(&*store).await, [true]);
    let second = lease(&*store, 2, LONG).await.expect("it has expired");
    assert_eq!(expired(&*store).await, [false]);
    assert!(second.epoch > first.epoch);
    assert_eq!(lease(&*store, 1, LONG).await, None);
}

pub async fn a_lease_that_is_given_back_is_free_at_once<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    let first = lease(&*store, 1, LONG).await.expect("it is free");
    let release =
        async |fence| store.projections().release(NOTES.name, fence).await.expect("it is given back");
    release(first).await;
    assert_eq!(owners(&*store).await, []);
    let second = lease(&*store, 2, LONG).await.expect("it is free");
    assert!(second.epoch > first.epoch);
    release(first).await;
    assert_eq!(owners(&*store).await.len(), 1, "one who lost it gives nothing back");
}

pub async fn whoever_lost_the_lease_cannot_write<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    tailing(&*store).await;
    let zombie = lease(&*store, 1, Duration::ZERO).await.expect("she has it");
    let late = step(&*store, &NOTES, Slot::Live, zombie).await.noting(1, 1, "late", 1);
    lease(&*store, 2, LONG).await.expect("it has expired");
    let before = generations(&*store).await;
    assert_fenced(&late.on(&*store).await);
    let projections = store.projections();
    assert_fenced(&projections.begin(&NOTES, zombie, Position::START).await.map(drop));
    assert_fenced(&projections.walked(&NOTES, Slot::Live, zombie).await);
    assert_fenced(&projections.swap(&NOTES, zombie, Slot::Next).await);
    assert_fenced(&projections.retire(&NOTES, zombie, Slot::Prior).await);
    assert_fenced(&projections.pause(NOTES.name, zombie, Slot::Live, Some("late")).await);
    let ticket = projections.wish(NOTES.name, "rebuild").await.expect("anybody may");
    assert_fenced(&projections.answer(NOTES.name, zombie, ticket, "late").await);
    assert_eq!(generations(&*store).await, before);
    assert_eq!(rows(&*store, &NOTE, Slot::Live).await, Vec::<Vec<_>>::new());
}

pub async fn whoever_gave_the_lease_back_cannot_write<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    creates(1).done(&*store).await;
    let fence = tailing(&*store).await;
    let late = step(&*store, &NOTES, Slot::Live, fence).await.noting(1, 1, "late", 1);
    store.projections().release(NOTES.name, fence).await.expect("it is given back");
    assert_fenced(&late.on(&*store).await);
    let again = lease(&*store, 1, LONG).await.expect("it is free");
    step(&*store, &NOTES, Slot::Live, again).await.noting(1, 1, "in time", 1).done(&*store).await;
}

pub async fn nobody_writes_without_a_lease<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    tailing(&*store).await;
    for invented in [Fence { holder: holder(1), epoch: 99 }, Fence { holder: holder(9), epoch: 1 }] {
        let late = step(&*store, &NOTES, Slot::Live, invented).await.noting(1, 1, "late", 1);
        assert_fenced(&late.on(&*store).await);
    }
}
