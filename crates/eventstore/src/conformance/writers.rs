//! Mixed versions: a writer that is too old is refused inside the append, and says so.

use super::Fixture;
use super::scene::{creates, document, log, open, stream};
use super::tables::new_document;
use crate::{AppendError, EventStore, Warning, WriterRefusal};

async fn assert_refused(store: &impl EventStore) {
    let too_old = [Warning::WriterRefused(WriterRefusal::TooOld)];
    assert_eq!(store.warnings().await, too_old, "before it tries");
    let result = creates(2).writing(new_document(stream(2), "old-shaped")).on(store).await;
    assert!(matches!(result, Err(AppendError::WriterRefused(WriterRefusal::TooOld))), "{result:?}");
    assert_eq!(store.warnings().await, too_old);
    assert_eq!(log(store).await.len(), 1, "reads go on");
    assert_eq!(document(store, 2).await, None);
}

pub async fn a_writer_below_the_floor_is_refused<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    creates(1).done(&*store).await;
    fixture.raw("UPDATE log_meta SET writer_floor = writer_floor + 1").await.expect("the floor is raised");
    assert_refused(&*store).await;
    fixture.raw("UPDATE log_meta SET writer_floor = writer_floor - 1").await.expect("the floor is lowered");
    assert_eq!(store.warnings().await, []);
    creates(2).done(&*store).await;
    assert_eq!(store.warnings().await, []);
}

pub async fn a_writer_of_another_generation_is_refused<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    creates(1).done(&*store).await;
    fixture
        .raw("UPDATE log_meta SET layout = 'document=2,secret=1'")
        .await
        .expect("the generation is switched");
    assert_refused(&*store).await;
    store.close().await;
    let store = open(fixture).await;
    assert_refused(&*store).await;
}

pub async fn an_admitted_writer_has_no_warnings<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    creates(1).done(&*store).await;
    assert_eq!(store.warnings().await, []);
}
