//! Generations: another one is built beside the live one, takes its place, and can give it back.

use std::sync::Arc;

use super::projecting::{
    declare, generation, generations, head, holder, maybe_generation, named, note, owned, rows, step,
    tailing, unreadable,
};
use super::scene::{creates, open, stream};
use super::tables::{DOCUMENTS, NAMED, NOTE, NOTES, NOTES_OF_TOMORROW, WORD, new_document};
use super::{Fixture, projecting::LONG};
use crate::{
    ColumnKind, EventStore, Fence, Phase, Position, ProjectionError, ReadError, Select, Slot, Value,
};

static STARS: Select = Select { sql: "SELECT stars FROM note", columns: &[ColumnKind::BigInt] };

/// Two documents, and a live generation that has a note on each.
async fn live(store: &impl EventStore) -> Fence {
    let fence = tailing(store).await;
    for n in 1..=2 {
        creates(n).writing(new_document(stream(n), "new")).done(store).await;
    }
    let step = step(store, &NOTES, Slot::Live, fence).await;
    step.noting(1, 1, "old", 1).noting(2, 1, "old", 1).naming(1, "Ada").counting("old", 2).done(store).await;
    fence
}

/// Begins another one that walks up to the head.
async fn begin(store: &impl EventStore, fence: Fence) {
    let head = head(store).await.position;
    store.projections().begin(&NOTES_OF_TOMORROW, fence, head).await.expect("it is begun");
}

/// Builds another one, with one note and some stars, up to the head.
async fn build(store: &impl EventStore, fence: Fence, stars: i64) {
    begin(store, fence).await;
    let walking = step(store, &NOTES_OF_TOMORROW, Slot::Next, fence).await.having_walked(2, 2);
    walking.noting(1, 1, "new", stars).noting(2, 1, "new", stars).done(store).await;
    store.projections().walked(&NOTES_OF_TOMORROW, Slot::Next, fence).await.expect("it has walked");
}

async fn swap(store: &impl EventStore, fence: Fence, slot: Slot) {
    store.projections().swap(&NOTES_OF_TOMORROW, fence, slot).await.expect("they are swapped");
}

/// What readers see: the stars of the live notes.
async fn stars(store: &impl EventStore) -> Vec<i64> {
    let rows = store.select(&STARS, &[]).await.expect("notes are read");
    let stars = rows.into_iter().map(|row| match row[0] {
        Value::BigInt(stars) => stars,
        _ => panic!("stars are counted"),
    });
    stars.collect()
}

pub async fn a_generation_is_begun_beside_the_live_one<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    let fence = live(&*store).await;
    let before = generation(&*store, &NOTES, Slot::Live).await;
    let next = store.projections().begin(&NOTES_OF_TOMORROW, fence, Position(1)).await.expect("it is begun");
    assert_eq!(next, generation(&*store, &NOTES, Slot::Next).await);
    assert_eq!((next.number, next.revision, next.slot), (2, 2, Slot::Next));
    assert_eq!(next.phase, Phase::Walking { after: None, events_done: 0 });
    assert_eq!(next.checkpoint.position, Position(1));
    let first = store.stream_head(stream(1)).await.expect("it is read").expect("it is there");
    assert_eq!(next.checkpoint.event_id, Some(first.event_id));
    let walking = step(&*store, &NOTES_OF_TOMORROW, Slot::Next, fence).await.having_walked(1, 1);
    walking.noting(1, 1, "new", 9).naming(1, "Eve").counting("new", 1).done(&*store).await;
    assert_eq!(rows(&*store, &NOTE, Slot::Next).await, [note(1, 1, Some("new"), 9)]);
    assert_eq!(rows(&*store, &NAMED, Slot::Next).await, [named(1, "Eve")]);
    assert_eq!(stars(&*store).await, [1, 1], "readers see the live one");
    assert_eq!(rows(&*store, &WORD, Slot::Live).await.len(), 1);
    assert_eq!(generation(&*store, &NOTES, Slot::Live).await, before);
}

pub async fn a_generation_needs_an_event_to_walk_up_to<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    let fence = live(&*store).await;
    let result = store.projections().begin(&NOTES, fence, Position(77)).await;
    assert!(matches!(result, Err(ProjectionError::Store(ReadError::Malformed(_)))), "{result:?}");
    store.projections().begin(&NOTES, fence, Position::START).await.expect("the start is one");
}

pub async fn what_was_begun_before_goes<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    let fence = live(&*store).await;
    build(&*store, fence, 9).await;
    let parking = step(&*store, &NOTES_OF_TOMORROW, Slot::Next, fence).await.parking(unreadable(1, 1, 1));
    parking.done(&*store).await;
    begin(&*store, fence).await;
    let next = generation(&*store, &NOTES, Slot::Next).await;
    assert_eq!((next.phase, next.parked_streams), (Phase::Walking { after: None, events_done: 0 }, 0));
    assert_eq!(rows(&*store, &NOTE, Slot::Next).await, Vec::<Vec<_>>::new());
    assert_eq!(generations(&*store).await.len(), 3, "with the documents");
}

pub async fn a_swap_puts_the_next_in_the_place_of_the_live_one<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    let fence = live(&*store).await;
    build(&*store, fence, 9).await;
    swap(&*store, fence, Slot::Next).await;
    assert_eq!(stars(&*store).await, [9, 9]);
    let (live, prior) =
        (generation(&*store, &NOTES, Slot::Live).await, generation(&*store, &NOTES, Slot::Prior).await);
    assert_eq!((live.revision, live.number, live.phase), (2, 2, Phase::Tailing));
    assert_eq!((prior.revision, prior.number, prior.phase), (1, 1, Phase::Tailing));
    assert_eq!(maybe_generation(&*store, &NOTES, Slot::Next).await, None);
    assert_eq!(rows(&*store, &NOTE, Slot::Prior).await[0], note(1, 1, Some("old"), 1));
    assert_eq!(rows(&*store, &NAMED, Slot::Live).await, Vec::<Vec<_>>::new());
    creates(3).writing(new_document(stream(3), "new")).done(&*store).await;
    for slot in [Slot::Live, Slot::Prior] {
        let step = step(&*store, &NOTES_OF_TOMORROW, slot, fence).await;
        step.noting(3, 1, slot.as_str(), 7).done(&*store).await;
        assert_eq!(rows(&*store, &NOTE, slot).await[2], note(3, 1, Some(slot.as_str()), 7), "both go on");
    }
}

pub async fn a_swap_back_is_a_rollback<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    let fence = live(&*store).await;
    build(&*store, fence, 9).await;
    for (slot, expected, revision) in [(Slot::Next, 9, 2), (Slot::Prior, 1, 1), (Slot::Prior, 9, 2)] {
        swap(&*store, fence, slot).await;
        assert_eq!(stars(&*store).await, [expected, expected]);
        assert_eq!(generation(&*store, &NOTES, Slot::Live).await.revision, revision);
        assert_eq!(generation(&*store, &NOTES, Slot::Prior).await.revision, 3 - revision);
    }
}

pub async fn what_is_behind_is_not_swapped<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    let fence = live(&*store).await;
    begin(&*store, fence).await;
    let swap = async |slot| store.projections().swap(&NOTES_OF_TOMORROW, fence, slot).await;
    let before = generations(&*store).await;
    let walking = swap(Slot::Next).await;
    assert!(matches!(walking, Err(ProjectionError::Behind)), "{walking:?}");
    assert_eq!(generations(&*store).await, before);
    build(&*store, fence, 9).await;
    creates(3).writing(new_document(stream(3), "new")).done(&*store).await;
    step(&*store, &NOTES, Slot::Live, fence).await.done(&*store).await;
    let late = swap(Slot::Next).await;
    assert!(matches!(late, Err(ProjectionError::Behind)), "{late:?}");
    let missing = swap(Slot::Prior).await;
    assert!(matches!(missing, Err(ProjectionError::Missing)), "{missing:?}");
    assert!(swap(Slot::Live).await.is_err());
    assert_eq!(stars(&*store).await, [1, 1]);
    step(&*store, &NOTES_OF_TOMORROW, Slot::Next, fence).await.done(&*store).await;
    swap(Slot::Next).await.expect("it has caught up");
}

pub async fn a_paused_generation_is_replaced_by_one_that_is_behind<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    let fence = live(&*store).await;
    build(&*store, fence, 9).await;
    creates(3).writing(new_document(stream(3), "new")).done(&*store).await;
    step(&*store, &NOTES, Slot::Live, fence).await.done(&*store).await;
    let paused = store.projections().pause(NOTES.name, fence, Slot::Live, Some("LOG_DIVERGED")).await;
    paused.expect("it is paused");
    swap(&*store, fence, Slot::Next).await;
    assert_eq!(stars(&*store).await, [9, 9]);
}

pub async fn a_third_generation_leaves_two<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    let fence = live(&*store).await;
    for (number, expected) in [(2, 9), (3, 8), (4, 7)] {
        build(&*store, fence, expected).await;
        swap(&*store, fence, Slot::Next).await;
        assert_eq!(stars(&*store).await, [expected, expected]);
        let (live, prior) =
            (generation(&*store, &NOTES, Slot::Live).await, generation(&*store, &NOTES, Slot::Prior).await);
        assert_eq!((live.number, prior.number), (number, number - 1));
    }
    assert_eq!(rows(&*store, &NOTE, Slot::Prior).await[0], note(1, 1, Some("new"), 8));
    assert_eq!(generations(&*store).await.len(), 3, "with the documents");
}

pub async fn a_retired_generation_is_gone<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    let fence = live(&*store).await;
    build(&*store, fence, 9).await;
    swap(&*store, fence, Slot::Next).await;
    build(&*store, fence, 8).await;
    for slot in [Slot::Prior, Slot::Next] {
        for _ in 1..=2 {
            store.projections().retire(&NOTES, fence, slot).await.expect("it goes, or has gone");
            assert_eq!(maybe_generation(&*store, &NOTES, slot).await, None);
        }
        let result = store.projections().states(&NOTE, slot, &[stream(1)]).await;
        assert!(matches!(result, Err(ProjectionError::Missing)), "{result:?}");
    }
    assert!(store.projections().retire(&NOTES, fence, Slot::Live).await.is_err());
    assert_eq!(stars(&*store).await, [9, 9]);
    let mut left = fixture.columns().await.into_iter().filter(|(table, _)| table.contains("__g"));
    assert_eq!(left.next(), None, "nor are there tables of it");
    build(&*store, fence, 6).await;
    swap(&*store, fence, Slot::Next).await;
    assert_eq!(stars(&*store).await, [6, 6]);
}

/// The suite's table of names has a unique index.
pub async fn a_generation_has_the_indexes_of_the_live_one<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    let fence = live(&*store).await;
    for _ in 1..=3 {
        build(&*store, fence, 9).await;
        for slot in [Slot::Live, Slot::Next] {
            let doubled = step(&*store, &NOTES, slot, fence).await.naming(1, "Eve").naming(2, "Eve");
            assert!(doubled.on(&*store).await.is_err(), "{slot:?}");
        }
        swap(&*store, fence, Slot::Next).await;
    }
}

pub async fn an_unfinished_build_goes_on_after_a_restart<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    let fence = live(&*store).await;
    begin(&*store, fence).await;
    let half = step(&*store, &NOTES_OF_TOMORROW, Slot::Next, fence).await.noting(1, 1, "new", 9);
    half.having_walked(1, 1).done(&*store).await;
    store.close().await;
    drop(store);
    let store = open(fixture).await;
    declare(&*store, &[&NOTES_OF_TOMORROW]).await;
    let fence =
        store.projections().lease(NOTES.name, holder(1), "again", LONG).await.expect("it is asked for");
    let fence = fence.expect("she still has it");
    let rest = step(&*store, &NOTES_OF_TOMORROW, Slot::Next, fence).await.noting(2, 1, "new", 9);
    rest.having_walked(2, 2).done(&*store).await;
    store.projections().walked(&NOTES_OF_TOMORROW, Slot::Next, fence).await.expect("it has walked");
    swap(&*store, fence, Slot::Next).await;
    assert_eq!(stars(&*store).await, [9, 9]);
}

/// Back and forth, while somebody reads all the time.
pub async fn readers_see_one_generation_or_the_other<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    let fence = live(&*store).await;
    build(&*store, fence, 9).await;
    swap(&*store, fence, Slot::Next).await;
    let reader = {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            let mut seen = [0, 0];
            while seen.contains(&0) {
                match stars(&*store).await[..] {
                    [1, 1] => seen[0] += 1,
                    [9, 9] => seen[1] += 1,
                    ref other => panic!("half of it: {other:?}"),
                }
                tokio::task::yield_now().await;
            }
        })
    };
    let mut swaps = 0;
    while !reader.is_finished() {
        swap(&*store, fence, Slot::Prior).await;
        swaps += 1;
        assert!(swaps < 10_000, "the reader sees only one of them");
    }
    reader.await.expect("she saw both, and nothing else");
}

pub async fn an_inline_projection_is_not_swapped_while_appends_go_on<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    let fence = owned(&*store, &DOCUMENTS).await;
    store.projections().begin(&DOCUMENTS, fence, Position::START).await.expect("it is begun");
    store.projections().walked(&DOCUMENTS, Slot::Next, fence).await.expect("there is nothing to walk");
    let result = store.projections().swap(&DOCUMENTS, fence, Slot::Next).await;
    assert!(matches!(result, Err(ProjectionError::Store(ReadError::Malformed(_)))), "{result:?}");
}
