//! What somebody wants the owner of a projection to do.

use super::Fixture;
use super::projecting::{assert_fenced, tailing};
use super::scene::open;
use super::tables::{DOCUMENTS, NOTES};
use crate::{EventStore, Fence};

type Wished = (String, u64, String, Option<String>);

async fn wishes(store: &impl EventStore) -> Vec<Wished> {
    let wishes = store.projections().wishes().await.expect("wishes are read");
    let mut wishes: Vec<_> = wishes.into_iter().map(|w| (w.projection, w.ticket, w.wish, w.answer)).collect();
    wishes.sort_unstable();
    wishes
}

async fn wish(store: &impl EventStore, projection: &str, wish: &str) -> u64 {
    store.projections().wish(projection, wish).await.expect("anybody may")
}

fn wished(projection: &str, ticket: u64, wish: &str, answer: Option<&str>) -> Wished {
    (projection.to_owned(), ticket, wish.to_owned(), answer.map(str::to_owned))
}

pub async fn a_wish_takes_the_place_of_an_earlier_one<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    assert_eq!(wishes(&*store).await, []);
    assert_eq!(wish(&*store, NOTES.name, "rebuild").await, 1);
    assert_eq!(wish(&*store, DOCUMENTS.name, "switch").await, 1);
    assert_eq!(wish(&*store, NOTES.name, "retire").await, 2);
    let expected = [wished("documents", 1, "switch", None), wished("notes", 2, "retire", None)];
    assert_eq!(wishes(&*store).await, expected);
}

pub async fn a_wish_is_answered_once_it_is_done<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    let fence = tailing(&*store).await;
    let ticket = wish(&*store, NOTES.name, "rebuild").await;
    store.projections().answer(NOTES.name, fence, ticket, "rebuilt").await.expect("she may");
    assert_eq!(wishes(&*store).await, [wished("notes", 1, "rebuild", Some("rebuilt"))]);
    let next = wish(&*store, NOTES.name, "retire").await;
    assert_eq!((next, wishes(&*store).await), (2, vec![wished("notes", 2, "retire", None)]));
    store.projections().answer(NOTES.name, fence, ticket, "too late").await.expect("it is no error");
    assert_eq!(wishes(&*store).await, [wished("notes", 2, "retire", None)]);
}

pub async fn only_the_owner_answers<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    let fence = tailing(&*store).await;
    let ticket = wish(&*store, NOTES.name, "rebuild").await;
    let stranger = Fence { epoch: fence.epoch + 1, ..fence };
    assert_fenced(&store.projections().answer(NOTES.name, stranger, ticket, "done").await);
    assert_fenced(&store.projections().answer(DOCUMENTS.name, fence, ticket, "done").await);
    assert_eq!(wishes(&*store).await, [wished("notes", 1, "rebuild", None)]);
}

pub async fn a_wish_outlives_a_restart<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    wish(&*store, NOTES.name, "rebuild").await;
    store.close().await;
    drop(store);
    assert_eq!(wishes(&*open(fixture).await).await, [wished("notes", 1, "rebuild", None)]);
}
