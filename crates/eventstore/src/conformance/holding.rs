//! Appends are held back while an inline projection is swapped at the head.

use std::sync::Arc;

use tokio::task::JoinHandle;

use super::projecting::{generation, head, owned, progress, rows, step, tailing};
use super::scene::{changes, creates, document, open, stream, title};
use super::tables::{
    DOCUMENTS, DOCUMENTS_OF_TOMORROW, NOTES, PROJECTED_DOCUMENT, SECRET, changed_document, new_document,
};
use super::{DOCUMENT, Fixture};
use crate::{
    AppendError, Appended, EventStore, Fence, HeldAppends, InlineTable, ProjectionChange, ProjectionError,
    Row, Slot, Value, WriterRefusal,
};

async fn hold(store: &impl EventStore) -> Box<dyn HeldAppends> {
    store.projections().hold_appends().await.expect("appends are held")
}

/// An append that has been begun, whether or not it gets through.
fn waiting<S: EventStore>(store: &Arc<S>, n: u64) -> JoinHandle<Result<Appended, AppendError>> {
    let store = Arc::clone(store);
    let append = creates(n).writing(new_document(stream(n), "new"));
    tokio::spawn(async move { append.on(&*store).await })
}

pub async fn held_appends_wait_and_then_go_on<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    creates(1).done(&*store).await;
    let held = hold(&*store).await;
    let append = waiting(&store, 2);
    // Others get their turn meanwhile, again and again.
    for _ in 1..=20 {
        store.execute("UPDATE document SET shelf = 1", &[]).await.expect("this is no append");
        assert_eq!(head(&*store).await.position.0, 1);
    }
    assert!(!append.is_finished());
    drop(held);
    assert_eq!(append.await.expect("it ends").expect("it is taken").position.0, 2);
}

pub async fn steps_go_on_while_appends_are_held<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    let fence = tailing(&*store).await;
    creates(1).writing(new_document(stream(1), "new")).done(&*store).await;
    let held = hold(&*store).await;
    let append = waiting(&store, 2);
    step(&*store, &NOTES, Slot::Live, fence).await.noting(1, 1, "good", 1).done(&*store).await;
    assert_eq!(progress(&*store, &NOTES, Slot::Live).await.checkpoint.position.0, 1);
    drop(held);
    append.await.expect("it ends").expect("it is taken");
}

/// About five seconds: whoever holds appends back may have lost her way.
pub async fn a_hold_ends_by_itself<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    let _held = hold(&*store).await;
    creates(1).done(&*store).await;
}

pub async fn a_store_closes_while_appends_are_held<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    let _held = hold(&*store).await;
    store.close().await;
}

/// Begins another generation of the documents, with what it should say of the first one, up to the head.
async fn rebuilt(store: &impl EventStore, fence: Fence, text: &str) {
    let up_to = head(store).await.position;
    store.projections().begin(&DOCUMENTS_OF_TOMORROW, fence, up_to).await.expect("it is begun");
    let walking = step(store, &DOCUMENTS_OF_TOMORROW, Slot::Next, fence).await;
    walking.writing(&PROJECTED_DOCUMENT, retitled(store, text).await).having_walked(1, 1).done(store).await;
    store.projections().walked(&DOCUMENTS_OF_TOMORROW, Slot::Next, fence).await.expect("it has walked");
}

async fn retitled(store: &impl EventStore, text: &str) -> ProjectionChange {
    let mut row = document(store, 1).await.expect("it is there");
    row[5] = Value::Text(text.to_owned());
    ProjectionChange::Put(row)
}

async fn swap(
    store: &impl EventStore,
    fence: Fence,
    slot: Slot,
    writes: Option<String>,
) -> Result<(), ProjectionError> {
    hold(store).await.swap(&DOCUMENTS_OF_TOMORROW, fence, slot, writes).await
}

pub async fn an_inline_projection_is_swapped_at_the_head<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    creates(1).writing(new_document(stream(1), "old")).done(&*store).await;
    let fence = owned(&*store, &DOCUMENTS).await;
    rebuilt(&*store, fence, "new").await;
    assert_eq!(title(&*store, 1).await.as_deref(), Some("old"), "not yet");
    swap(&*store, fence, Slot::Next, None).await.expect("it is at the head");
    assert_eq!(title(&*store, 1).await.as_deref(), Some("new"));
    let (live, prior) = (
        generation(&*store, &DOCUMENTS, Slot::Live).await,
        generation(&*store, &DOCUMENTS, Slot::Prior).await,
    );
    assert_eq!((live.revision, prior.revision), (2, 1));
    assert_eq!((live.checkpoint, prior.checkpoint), (head(&*store).await, head(&*store).await));
    changes(1, 1).writing(changed_document(stream(1), 2, "newer")).done(&*store).await;
    assert_eq!(title(&*store, 1).await.as_deref(), Some("newer"), "appends write what is live now");
    assert_eq!(titles(&rows(&*store, &PROJECTED_DOCUMENT, Slot::Prior).await), ["old"]);
    let prior = generation(&*store, &DOCUMENTS, Slot::Prior).await.checkpoint;
    assert_eq!(prior.position.0, 1, "and nothing else");
    creates(2).writing(new_document(stream(2), "another")).done(&*store).await;
    assert_eq!(titles(&rows(&*store, &PROJECTED_DOCUMENT, Slot::Live).await), ["newer", "another"]);
}

fn titles(rows: &[Row]) -> Vec<String> {
    let titles = rows.iter().map(|row| match &row[5] {
        Value::Text(title) => title.clone(),
        other => panic!("a title is text, not {other:?}"),
    });
    titles.collect()
}

pub async fn an_inline_generation_that_is_behind_is_not_swapped<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    creates(1).writing(new_document(stream(1), "old")).done(&*store).await;
    let fence = owned(&*store, &DOCUMENTS).await;
    rebuilt(&*store, fence, "new").await;
    changes(1, 1).writing(changed_document(stream(1), 2, "newer")).done(&*store).await;
    let result = swap(&*store, fence, Slot::Next, None).await;
    assert!(matches!(result, Err(ProjectionError::Behind)), "{result:?}");
    assert_eq!(title(&*store, 1).await.as_deref(), Some("newer"));
    let stranger = Fence { epoch: fence.epoch + 1, ..fence };
    let result = swap(&*store, stranger, Slot::Next, None).await;
    assert!(matches!(result, Err(ProjectionError::Fenced)), "{result:?}");
    let catching_up = step(&*store, &DOCUMENTS_OF_TOMORROW, Slot::Next, fence).await;
    catching_up.writing(&PROJECTED_DOCUMENT, retitled(&*store, "caught up").await).done(&*store).await;
    swap(&*store, fence, Slot::Next, None).await.expect("it has caught up");
    assert_eq!(title(&*store, 1).await.as_deref(), Some("caught up"));
}

pub async fn a_swap_can_turn_writers_away<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    creates(1).writing(new_document(stream(1), "old")).done(&*store).await;
    let fence = owned(&*store, &DOCUMENTS).await;
    rebuilt(&*store, fence, "new").await;
    swap(&*store, fence, Slot::Next, Some("document=2,secret=1".to_owned()))
        .await
        .expect("it is at the head");
    let result = changes(1, 1).writing(changed_document(stream(1), 2, "old-shaped")).on(&*store).await;
    assert!(matches!(result, Err(AppendError::WriterRefused(WriterRefusal::TooOld))), "{result:?}");
    let ours = InlineTable::layout(&[&DOCUMENT, &SECRET]);
    swap(&*store, fence, Slot::Prior, Some(ours)).await.expect("it is still at the head");
    changes(1, 1).writing(changed_document(stream(1), 2, "newer")).done(&*store).await;
    assert_eq!(title(&*store, 1).await.as_deref(), Some("newer"));
}
