//! Who is erased is in no generation of any projection any more, and does not come back with her late events.

use std::sync::Arc;

use super::projecting::{LONG, generation, head, holder, named, note, owned, rows, step, tailing};
use super::scene::{Command, changes, conflict, creates, document, open, stream};
use super::tables::{
    DOCUMENTS, NAMED, NOTE, NOTES, NOTES_OF_TOMORROW, PROJECTED_DOCUMENT, WORD, new_document, no,
};
use super::{DOCUMENT, Fixture};
use crate::{Derived, EventStore, Fence, ProjectionChange, Slot};

/// Her document goes, and what is derived from it.
fn erases(n: u64, expected: u64) -> Command {
    let mut command = changes(n, expected).writing(no(&DOCUMENT));
    command.0.derived = Derived::Erased;
    command
}

/// Notes on two people in a generation.
async fn note_both(store: &impl EventStore, slot: Slot, fence: Fence) {
    let step = step(store, &NOTES, slot, fence).await;
    let step = step.noting(1, 1, "hers", 3).noting(1, 2, "hers too", 4).noting(2, 1, "his", 5);
    step.naming(1, "Ada").naming(2, "Bob").counting("all", 3).done(store).await;
}

/// Two people, with notes on them in all three generations.
async fn three_generations(store: &impl EventStore) -> Fence {
    let fence = tailing(store).await;
    for n in 1..=2 {
        creates(n).writing(new_document(stream(n), "new")).done(store).await;
    }
    note_both(store, Slot::Live, fence).await;
    for swapped in [true, false] {
        let up_to = head(store).await.position;
        store.projections().begin(&NOTES_OF_TOMORROW, fence, up_to).await.expect("it is begun");
        store.projections().walked(&NOTES_OF_TOMORROW, Slot::Next, fence).await.expect("it has walked");
        note_both(store, Slot::Next, fence).await;
        if swapped {
            store.projections().swap(&NOTES_OF_TOMORROW, fence, Slot::Next).await.expect("they are swapped");
        }
    }
    fence
}

pub async fn an_erasure_reaches_every_generation<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    three_generations(&*store).await;
    erases(1, 1).done(&*store).await;
    for slot in Slot::ALL {
        let expected = [note(1, 1, None, 3), note(1, 2, None, 4), note(2, 1, Some("his"), 5)];
        assert_eq!(rows(&*store, &NOTE, slot).await, expected, "{slot:?}");
        assert_eq!(rows(&*store, &NAMED, slot).await, [named(2, "Bob")], "{slot:?}");
        assert_eq!(rows(&*store, &WORD, slot).await.len(), 1, "{slot:?}");
    }
    assert_eq!(document(&*store, 1).await, None);
}

pub async fn an_erasure_reaches_the_other_generations_of_inline_tables<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    let fence = owned(&*store, &DOCUMENTS).await;
    for n in 1..=2 {
        creates(n).writing(new_document(stream(n), "new")).done(&*store).await;
    }
    let up_to = head(&*store).await.position;
    store.projections().begin(&DOCUMENTS, fence, up_to).await.expect("it is begun");
    let mut walking = step(&*store, &DOCUMENTS, Slot::Next, fence).await.having_walked(2, 2);
    for n in 1..=2 {
        let row = document(&*store, n).await.expect("it is there");
        walking = walking.writing(&PROJECTED_DOCUMENT, ProjectionChange::Put(row));
    }
    walking.done(&*store).await;
    erases(1, 1).done(&*store).await;
    for slot in [Slot::Live, Slot::Next] {
        let left = rows(&*store, &PROJECTED_DOCUMENT, slot).await;
        assert_eq!(left, [document(&*store, 2).await.expect("he is there")], "{slot:?}");
    }
}

pub async fn an_append_that_erases_nobody_leaves_what_is_derived<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    three_generations(&*store).await;
    changes(1, 1).writing(no(&DOCUMENT)).done(&*store).await;
    assert_eq!(rows(&*store, &NOTE, Slot::Live).await[0], note(1, 1, Some("hers"), 3));
    assert_eq!(rows(&*store, &NAMED, Slot::Prior).await.len(), 2);
}

pub async fn a_refused_erasure_erases_nothing<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    three_generations(&*store).await;
    assert_eq!(erases(1, 7).refused(&*store).await, conflict(1));
    for slot in Slot::ALL {
        assert_eq!(rows(&*store, &NOTE, slot).await[0], note(1, 1, Some("hers"), 3), "{slot:?}");
        assert_eq!(rows(&*store, &NAMED, slot).await.len(), 2, "{slot:?}");
    }
}

/// Whoever projects knows her events only, or had read them before.
pub async fn late_rows_of_somebody_erased_are_not_personal<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    let fence = three_generations(&*store).await;
    erases(1, 1).done(&*store).await;
    for slot in Slot::ALL {
        let late = step(&*store, &NOTES, slot, fence).await;
        let late = late.noting(1, 1, "hers again", 10).noting(1, 9, "hers at last", 1).noting(2, 1, "his", 1);
        late.naming(1, "Ada").naming(2, "Bob").done(&*store).await;
        let expected =
            [note(1, 1, None, 13), note(1, 2, None, 4), note(1, 9, None, 1), note(2, 1, Some("his"), 6)];
        assert_eq!(rows(&*store, &NOTE, slot).await, expected, "{slot:?}");
        assert_eq!(rows(&*store, &NAMED, slot).await, [named(2, "Bob")], "{slot:?}");
        assert_eq!(generation(&*store, &NOTES, slot).await.checkpoint, head(&*store).await, "it is no error");
    }
}

pub async fn a_walk_over_somebody_erased_writes_nothing_personal<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    creates(1).writing(new_document(stream(1), "new")).done(&*store).await;
    erases(1, 1).done(&*store).await;
    let fence = owned(&*store, &NOTES).await;
    let walking = step(&*store, &NOTES, Slot::Live, fence).await.having_walked(1, 2);
    walking.noting(1, 1, "hers", 1).naming(1, "Ada").done(&*store).await;
    assert_eq!(rows(&*store, &NOTE, Slot::Live).await, [note(1, 1, None, 1)]);
    assert_eq!(rows(&*store, &NAMED, Slot::Live).await, Vec::<Vec<_>>::new());
}

/// In whichever order they come.
pub async fn an_erasure_and_a_step_at_the_same_time_leave_nothing_personal<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    let fence = tailing(&*store).await;
    for n in 1..=24 {
        creates(n).writing(new_document(stream(n), "new")).done(&*store).await;
        let step = step(&*store, &NOTES, Slot::Live, fence).await.noting(n, 1, "hers", 1).naming(n, "Ada");
        let stepping = {
            let store = Arc::clone(&store);
            tokio::spawn(async move { step.done(&*store).await })
        };
        erases(n, 1).done(&*store).await;
        stepping.await.expect("the step is taken");
        assert_eq!(rows(&*store, &NAMED, Slot::Live).await, Vec::<Vec<_>>::new());
        assert_eq!(rows(&*store, &NOTE, Slot::Live).await.last(), Some(&note(n, 1, None, 1)));
    }
}

/// Whoever holds appends may be waiting for a step, and the step waits for whoever erases: she does not wait for the hold.
pub async fn an_erasure_that_waits_for_held_appends_keeps_no_step_waiting<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    let fence = tailing(&*store).await;
    for n in 1..=2 {
        creates(n).writing(new_document(stream(n), "new")).done(&*store).await;
    }
    let held = store.projections().hold_appends().await.expect("appends are held");
    let erasing = {
        let store = Arc::clone(&store);
        tokio::spawn(async move { erases(1, 1).on(&*store).await })
    };
    // She comes again and again, and some of the steps meet her.
    for key in 1..=50 {
        let step = step(&*store, &NOTES, Slot::Live, fence).await;
        step.noting(1, key, "hers", 1).naming(1, "Ada").noting(2, key, "his", 1).done(&*store).await;
    }
    assert!(!erasing.is_finished(), "the hold did not have to end for that");
    drop(held);
    erasing.await.expect("it ends").expect("it is taken");
    assert_eq!(rows(&*store, &NAMED, Slot::Live).await, Vec::<Vec<_>>::new());
    assert_eq!(rows(&*store, &NOTE, Slot::Live).await[0], note(1, 1, None, 1));
}

/// No projection needs to be running, and its owner may have been forgotten.
pub async fn an_erasure_needs_no_owner<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    let fence = three_generations(&*store).await;
    store.projections().pause(NOTES.name, fence, Slot::Live, Some("broken")).await.expect("it is paused");
    store.projections().release(NOTES.name, fence).await.expect("it is given back");
    store.close().await;
    drop(store);
    let store = open(fixture).await;
    erases(1, 1).done(&*store).await;
    assert_eq!(rows(&*store, &NAMED, Slot::Live).await, [named(2, "Bob")]);
    let lease = store.projections().lease(NOTES.name, holder(2), "another", LONG).await;
    assert!(lease.expect("it is asked for").is_some());
}
