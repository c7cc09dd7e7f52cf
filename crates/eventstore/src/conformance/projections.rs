//! Which projections there are, and where their generations stand.

use super::Fixture;
use super::projecting::{
    declare, generation, generations, head, maybe_generation, owned, progress, step, tailing,
};
use super::scene::{creates, log, open, stream};
use super::tables::{DOCUMENTS, NOTES, NOTES_OF_TOMORROW};
use crate::{Checkpoint, EventStore, Phase, Position, ProjectionError, Slot};

pub async fn a_new_projection_walks_up_to_the_head<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    creates(1).with_events(3).done(&*store).await;
    declare(&*store, &[&NOTES]).await;
    let there = generations(&*store).await;
    let notes = &there[0];
    assert_eq!((there.len(), notes.projection.as_str(), notes.slot), (1, "notes", Slot::Live));
    assert_eq!((notes.number, notes.revision), (1, 1));
    assert_eq!(notes.phase, Phase::Walking { after: None, events_done: 0 });
    let event_id = Some(log(&*store).await[2].event_id);
    assert_eq!(notes.checkpoint, Checkpoint { log_id: store.log_id(), position: Position(3), event_id });
    assert_eq!((notes.paused.as_deref(), notes.parked_streams), (None, 0));
    creates(2).done(&*store).await;
    assert_eq!(generation(&*store, &NOTES, Slot::Live).await.checkpoint.position, Position(3), "no further");
}

pub async fn in_an_empty_log_it_walks_up_to_the_start<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    declare(&*store, &[&NOTES]).await;
    let start = Checkpoint { log_id: store.log_id(), position: Position::START, event_id: None };
    assert_eq!(generation(&*store, &NOTES, Slot::Live).await.checkpoint, start);
}

pub async fn an_inline_projection_is_always_at_the_head<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    declare(&*store, &[&DOCUMENTS]).await;
    for n in 1..=3 {
        let documents = progress(&*store, &DOCUMENTS, Slot::Live).await;
        assert_eq!((documents.checkpoint, documents.phase), (head(&*store).await, Phase::Tailing));
        creates(n).done(&*store).await;
    }
}

pub async fn declaring_again_changes_nothing<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    creates(1).done(&*store).await;
    let fence = owned(&*store, &NOTES).await;
    step(&*store, &NOTES, Slot::Live, fence).await.having_walked(1, 1).done(&*store).await;
    creates(2).done(&*store).await;
    let before = generations(&*store).await;
    declare(&*store, &[&NOTES_OF_TOMORROW, &DOCUMENTS]).await;
    assert_eq!(generations(&*store).await, before, "nor does a later meaning by itself");
}

pub async fn a_walk_is_remembered<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    creates(1).done(&*store).await;
    creates(2).done(&*store).await;
    let fence = owned(&*store, &NOTES).await;
    step(&*store, &NOTES, Slot::Live, fence).await.having_walked(1, 7).done(&*store).await;
    store.close().await;
    drop(store);
    let store = open(fixture).await;
    let notes = generation(&*store, &NOTES, Slot::Live).await;
    assert_eq!(notes.phase, Phase::Walking { after: Some(stream(1)), events_done: 7 });
    store.projections().walked(&NOTES, Slot::Live, fence).await.expect("the fence is remembered too");
    let walked = generation(&*store, &NOTES, Slot::Live).await;
    assert_eq!((walked.phase, walked.checkpoint), (Phase::Tailing, notes.checkpoint));
}

pub async fn projections_that_nobody_declared_are_listed_too<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    declare(&*store, &[&NOTES]).await;
    store.close().await;
    drop(store);
    let store = open(fixture).await;
    assert!(maybe_generation(&*store, &NOTES, Slot::Live).await.is_some());
}

pub async fn a_pause_has_a_reason_and_an_end<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    let fence = tailing(&*store).await;
    let pause = async |slot, reason| store.projections().pause(NOTES.name, fence, slot, reason).await;
    pause(Slot::Live, Some("LOG_DIVERGED")).await.expect("it is paused");
    assert_eq!(generation(&*store, &NOTES, Slot::Live).await.paused.as_deref(), Some("LOG_DIVERGED"));
    pause(Slot::Live, None).await.expect("it goes on");
    assert_eq!(generation(&*store, &NOTES, Slot::Live).await.paused, None);
    let missing = pause(Slot::Next, Some("why not")).await;
    assert!(matches!(missing, Err(ProjectionError::Missing)), "{missing:?}");
}
