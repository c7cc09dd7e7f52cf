//! Events that a generation could not take: parked by reference, in order, until they are taken out again.

use super::Fixture;
use super::projecting::{generation, head, note, rows, step, tailing, unreadable};
use super::scene::{creates, open, stream};
use super::tables::{NOTE, NOTES, NOTES_OF_TOMORROW, new_document};
use crate::{EventStore, Fence, NewParked, Position, Slot};

/// Six events on two streams, of which four are parked.
async fn parked_four(store: &impl EventStore) -> Fence {
    let fence = tailing(store).await;
    for n in 1..=2 {
        creates(n).with_events(3).writing(new_document(stream(n), "new")).done(store).await;
    }
    let step = step(store, &NOTES, Slot::Live, fence).await;
    let step = step.parking(unreadable(2, 4, 1)).parking(unreadable(1, 1, 1));
    step.parking(behind(2, 5, 2)).parking(behind(2, 6, 3)).done(store).await;
    fence
}

/// It only waits for those before it.
fn behind(n: u64, position: u64, version: u64) -> NewParked {
    NewParked { cause: String::new(), ..unreadable(n, position, version) }
}

async fn parked(store: &impl EventStore, slot: Slot, of: Option<u64>, after: u64, limit: u32) -> Vec<u64> {
    let of = of.map(stream);
    let parked = store.projections().parked(NOTES.name, slot, of, Position(after), limit).await;
    parked.expect("the parked are read").iter().map(|parked| parked.event.position.0).collect()
}

pub async fn the_parked_are_listed_by_position<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    parked_four(&*store).await;
    assert_eq!(parked(&*store, Slot::Live, None, 0, 100).await, [1, 4, 5, 6]);
    assert_eq!(parked(&*store, Slot::Live, None, 1, 2).await, [4, 5]);
    assert_eq!(parked(&*store, Slot::Live, Some(2), 0, 100).await, [4, 5, 6]);
    assert_eq!(parked(&*store, Slot::Live, Some(2), 4, 1).await, [5]);
    assert_eq!(parked(&*store, Slot::Live, Some(9), 0, 100).await, []);
    assert_eq!(parked(&*store, Slot::Next, None, 0, 100).await, []);
    let notes = generation(&*store, &NOTES, Slot::Live).await;
    assert_eq!((notes.parked_streams, notes.checkpoint), (2, head(&*store).await), "the others go on");
}

pub async fn the_parked_come_back_as_they_went_in<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    parked_four(&*store).await;
    let all = store.projections().parked(NOTES.name, Slot::Live, None, Position::START, 100).await;
    let all = all.expect("the parked are read");
    assert!(all.iter().all(|parked| parked.projection == "notes" && parked.slot == Slot::Live));
    let events: Vec<_> = all.into_iter().map(|parked| parked.event).collect();
    assert_eq!(events, [unreadable(1, 1, 1), unreadable(2, 4, 1), behind(2, 5, 2), behind(2, 6, 3)]);
}

pub async fn what_is_taken_out_is_parked_no_longer<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    let fence = parked_four(&*store).await;
    let retried = step(&*store, &NOTES, Slot::Live, fence).await.noting(2, 1, "at last", 1);
    retried.unparking(4).unparking(5).unparking(77).done(&*store).await;
    assert_eq!(parked(&*store, Slot::Live, None, 0, 100).await, [1, 6]);
    assert_eq!(rows(&*store, &NOTE, Slot::Live).await, [note(2, 1, Some("at last"), 1)]);
    let last = step(&*store, &NOTES, Slot::Live, fence).await.unparking(1).unparking(6);
    last.done(&*store).await;
    assert_eq!(generation(&*store, &NOTES, Slot::Live).await.parked_streams, 0);
}

pub async fn what_is_taken_out_can_be_parked_again_in_one_step<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    let fence = parked_four(&*store).await;
    let again = NewParked { cause: "still unreadable".to_owned(), ..unreadable(1, 1, 1) };
    let retried = step(&*store, &NOTES, Slot::Live, fence).await.unparking(1).parking(again.clone());
    retried.done(&*store).await;
    let found = store.projections().parked(NOTES.name, Slot::Live, None, Position::START, 1).await;
    assert_eq!(found.expect("the parked are read")[0].event, again);
}

pub async fn a_generation_keeps_its_parked_through_a_swap<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    let fence = parked_four(&*store).await;
    let (projections, up_to) = (store.projections(), head(&*store).await.position);
    projections.begin(&NOTES_OF_TOMORROW, fence, up_to).await.expect("it is begun");
    let walking = step(&*store, &NOTES_OF_TOMORROW, Slot::Next, fence).await.having_walked(2, 6);
    walking.parking(unreadable(2, 6, 3)).done(&*store).await;
    projections.walked(&NOTES_OF_TOMORROW, Slot::Next, fence).await.expect("it has walked");
    assert_eq!(parked(&*store, Slot::Next, None, 0, 100).await, [6]);
    projections.swap(&NOTES_OF_TOMORROW, fence, Slot::Next).await.expect("they are swapped");
    assert_eq!(parked(&*store, Slot::Live, None, 0, 100).await, [6]);
    assert_eq!(parked(&*store, Slot::Prior, None, 0, 100).await, [1, 4, 5, 6]);
    assert_eq!(generation(&*store, &NOTES, Slot::Live).await.parked_streams, 1);
    assert_eq!(generation(&*store, &NOTES, Slot::Prior).await.parked_streams, 2);
    projections.retire(&NOTES, fence, Slot::Prior).await.expect("it goes");
    projections.begin(&NOTES, fence, up_to).await.expect("it is begun");
    assert_eq!(parked(&*store, Slot::Next, None, 0, 100).await, [], "nobody inherits them");
}
