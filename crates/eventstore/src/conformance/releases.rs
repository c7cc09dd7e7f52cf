//! Two releases at once: the newer means something else by the rows of a table, and still writes what the older meant
//! until the log is switched. No row is ever of another meaning than those beside it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use tokio::task::JoinHandle;

use super::projecting::{owned, step};
use super::scene::{Command, begin, changes, creates, document, log, open, soon, stream, title};
use super::tables::{
    ALL, ALL_OF_TOMORROW, DOCUMENTS, DOCUMENTS_OF_TOMORROW, LOUD_DOCUMENT, PROJECTED_DOCUMENT, STILL_WRITTEN,
    new_document,
};
use super::{DOCUMENT, Fixture, Instances, Setting};
use crate::{
    AggregateId, AppendError, ColumnKind, EventStore, Fence, HeldAppends, InlineTable, ProjectionChange,
    RecordedEvent, Rejection, RowWrite, Select, Slot, Value, Version, Warning, WriterRefusal,
};

const TITLES: Select =
    Select { sql: "SELECT id, title FROM document", columns: &[ColumnKind::Uuid, ColumnKind::Text] };

async fn open_newer<F: Fixture>(fixture: &F) -> Arc<F::Store> {
    let setting = Setting { tables: ALL_OF_TOMORROW, earlier: STILL_WRITTEN, ..Setting::plain::<F>() };
    Arc::new(fixture.open(setting).await.expect("the store opens"))
}

/// The newer release after the older one, or beside it where there can be two.
async fn upgrade<F: Fixture>(fixture: &F, older: Arc<F::Store>) -> (Option<Arc<F::Store>>, Arc<F::Store>) {
    let older = match F::INSTANCES {
        Instances::Any => Some(older),
        Instances::One => {
            older.close().await;
            drop(older);
            None
        }
    };
    (older, open_newer(fixture).await)
}

/// The older release again, beside the newer one or in its place.
async fn downgrade<F: Fixture>(
    fixture: &F,
    older: Option<Arc<F::Store>>,
    newer: Arc<F::Store>,
) -> Arc<F::Store> {
    if let Some(older) = older {
        return older;
    }
    newer.close().await;
    drop(newer);
    open(fixture).await
}

/// What a generation of the table says of a document.
fn told(id: AggregateId, generation: u16) -> String {
    let quiet = format!("document {}", id.0.as_u64_pair().1);
    if generation == LOUD_DOCUMENT.generation { quiet.to_uppercase() } else { quiet }
}

/// The row of a new document, in this generation of the table.
fn written(n: u64, table: &'static InlineTable) -> RowWrite {
    RowWrite { table, ..new_document(stream(n), &told(stream(n), table.generation)) }
}

fn creates_in(n: u64, table: &'static InlineTable) -> Command {
    creates(n).writing(written(n, table))
}

/// The row that the newer release makes of a document's one event.
fn projected(event: &RecordedEvent) -> ProjectionChange {
    let position = i64::try_from(event.position.0).expect("a log is not that long");
    ProjectionChange::Put(vec![
        Value::Uuid(event.aggregate_id.0),
        Value::BigInt(1),
        Value::BigInt(position),
        Value::Time(event.recorded_at),
        Value::Time(event.recorded_at),
        Value::Text(told(event.aggregate_id, LOUD_DOCUMENT.generation)),
        Value::Null,
        Value::Null,
        Value::Null,
    ])
}

/// The newer rows are begun beside the older ones, and have walked as far as the log went then.
async fn build(store: &impl EventStore) -> Fence {
    let fence = owned(store, &DOCUMENTS).await;
    let up_to = store.head().await.expect("the head is read").position;
    store.projections().begin(&DOCUMENTS_OF_TOMORROW, fence, up_to).await.expect("it is begun");
    let mut walking = step(store, &DOCUMENTS_OF_TOMORROW, Slot::Next, fence).await.having_walked(u64::MAX, 1);
    for event in log(store).await.iter().filter(|event| event.position <= up_to) {
        walking = walking.writing(&PROJECTED_DOCUMENT, projected(event));
    }
    walking.done(store).await;
    store.projections().walked(&DOCUMENTS_OF_TOMORROW, Slot::Next, fence).await.expect("it has walked");
    fence
}

async fn hold(store: &impl EventStore) -> Box<dyn HeldAppends> {
    store.projections().hold_appends().await.expect("appends are held")
}

/// The newer rows catch up with a log that stands still, and take the place of the older ones.
async fn finish(store: &impl EventStore, fence: Fence, held: Box<dyn HeldAppends>) {
    let mut rest = step(store, &DOCUMENTS_OF_TOMORROW, Slot::Next, fence).await;
    let behind = rest.0.from.checkpoint.position;
    for event in log(store).await.iter().filter(|event| event.position > behind) {
        rest = rest.writing(&PROJECTED_DOCUMENT, projected(event));
    }
    rest.done(store).await;
    let writes = Some(InlineTable::layout(ALL_OF_TOMORROW));
    held.swap(&DOCUMENTS_OF_TOMORROW, fence, Slot::Next, writes).await.expect("it is at the head");
}

async fn switch(store: &impl EventStore) -> Fence {
    let fence = build(store).await;
    let held = hold(store).await;
    finish(store, fence, held).await;
    fence
}

async fn assert_refused(older: &impl EventStore, n: u64) {
    let too_old = [Warning::WriterRefused(WriterRefusal::TooOld)];
    assert_eq!(older.warnings().await, too_old);
    let result = creates_in(n, &DOCUMENT).on(older).await;
    assert!(matches!(result, Err(AppendError::WriterRefused(WriterRefusal::TooOld))), "{result:?}");
    assert_eq!(document(older, n).await, None);
}

pub async fn a_newer_release_writes_what_the_log_takes<F: Fixture>(fixture: &F) {
    let older = open(fixture).await;
    creates_in(1, &DOCUMENT).done(&*older).await;
    let (older, newer) = upgrade(fixture, older).await;
    assert_eq!(newer.warnings().await, []);
    assert_eq!(newer.writes(&LOUD_DOCUMENT), &DOCUMENT);
    creates_in(2, &DOCUMENT).done(&*newer).await;
    assert_eq!(creates_in(3, &LOUD_DOCUMENT).refused(&*newer).await, Rejection::LayoutMoved);
    assert_eq!(document(&*newer, 3).await, None);
    if let Some(older) = older {
        creates_in(3, &DOCUMENT).done(&*older).await;
        assert_eq!(older.writes(&DOCUMENT), &DOCUMENT);
    }
    assert_eq!(title(&*newer, 2).await.as_deref(), Some("document 2"));
}

pub async fn a_switch_turns_the_older_release_away<F: Fixture>(fixture: &F) {
    let older = open(fixture).await;
    creates_in(1, &DOCUMENT).done(&*older).await;
    let (older, newer) = upgrade(fixture, older).await;
    switch(&*newer).await;
    assert_eq!(creates_in(2, &DOCUMENT).refused(&*newer).await, Rejection::LayoutMoved);
    assert_eq!(newer.writes(&LOUD_DOCUMENT), &LOUD_DOCUMENT, "it has been told");
    creates_in(2, &LOUD_DOCUMENT).done(&*newer).await;
    assert_eq!(newer.warnings().await, []);
    assert_eq!(title(&*newer, 1).await.as_deref(), Some("DOCUMENT 1"));
    assert_eq!(title(&*newer, 2).await.as_deref(), Some("DOCUMENT 2"));
    let older = downgrade(fixture, older, newer).await;
    assert_refused(&*older, 3).await;
    assert_eq!(log(&*older).await.len(), 2, "reads go on");
}

pub async fn a_look_finds_out_about_a_switch<F: Fixture>(fixture: &F) {
    let older = open(fixture).await;
    creates_in(1, &DOCUMENT).done(&*older).await;
    let (_older, newer) = upgrade(fixture, older).await;
    switch(&*newer).await;
    assert_eq!(newer.warnings().await, []);
    assert_eq!(newer.writes(&LOUD_DOCUMENT), &LOUD_DOCUMENT);
    creates_in(2, &LOUD_DOCUMENT).done(&*newer).await;
}

pub async fn appends_that_waited_for_a_switch_are_written_anew<F: Fixture>(fixture: &F) {
    let older = open(fixture).await;
    creates_in(1, &DOCUMENT).done(&*older).await;
    let (_older, newer) = upgrade(fixture, older).await;
    let fence = build(&*newer).await;
    let held = hold(&*newer).await;
    let appends = [creates_in(2, &DOCUMENT), changes(1, 1), creates_in(3, &LOUD_DOCUMENT)];
    let mut waiting = appends.map(|append| newer.append(append.0, soon()));
    for append in &mut waiting {
        assert!(begin(append).await.is_none(), "it waits");
    }
    finish(&*newer, fence, held).await;
    let [before, rowless, after] = waiting;
    let before = before.await;
    assert!(matches!(before, Err(AppendError::Rejected(Rejection::LayoutMoved))), "{before:?}");
    rowless.await.expect("it has no rows");
    after.await.expect("it has the right ones, whoever was first to notice");
    creates_in(2, &LOUD_DOCUMENT).done(&*newer).await;
    assert_all_told(&*newer, &LOUD_DOCUMENT).await;
}

pub async fn a_switch_back_lets_the_older_release_in_again<F: Fixture>(fixture: &F) {
    let older = open(fixture).await;
    creates_in(1, &DOCUMENT).done(&*older).await;
    let (older, newer) = upgrade(fixture, older).await;
    let fence = switch(&*newer).await;
    let writes = Some(InlineTable::layout(ALL));
    let held = hold(&*newer).await;
    held.swap(&DOCUMENTS, fence, Slot::Prior, writes).await.expect("it is still at the head");
    creates_in(2, &DOCUMENT).done(&*newer).await;
    assert_eq!(newer.writes(&LOUD_DOCUMENT), &DOCUMENT);
    let older = downgrade(fixture, older, newer).await;
    assert_eq!(older.warnings().await, []);
    creates_in(3, &DOCUMENT).done(&*older).await;
    assert_all_told(&*older, &DOCUMENT).await;
}

/// Every document is there, as one generation tells it.
async fn assert_all_told(store: &impl EventStore, table: &'static InlineTable) {
    let rows = store.select(&TITLES, &[]).await.expect("documents are read");
    let created = log(store).await.iter().filter(|event| event.version == Version(1)).count();
    assert_eq!(rows.len(), created);
    for row in &rows {
        assert_eq!(row[1], Value::Text(told(id_of(&row[0]), table.generation)));
    }
}

fn id_of(value: &Value) -> AggregateId {
    match value {
        Value::Uuid(id) => AggregateId(*id),
        other => panic!("an id is a UUID, not {other:?}"),
    }
}

/// Creates documents as fast as it can, in whichever generation its store says, until it is refused or told to stop.
/// How many were taken.
fn writing<S: EventStore>(store: &Arc<S>, numbers: u64, stop: &Arc<AtomicBool>) -> JoinHandle<u64> {
    let (store, stop) = (Arc::clone(store), Arc::clone(stop));
    tokio::spawn(async move {
        let mut taken = 0;
        while !stop.load(Ordering::Relaxed) {
            match creates_in(numbers + taken, store.writes(&DOCUMENT)).on(&*store).await {
                Ok(_) => taken += 1,
                Err(AppendError::Rejected(Rejection::LayoutMoved)) => {}
                Err(AppendError::WriterRefused(WriterRefusal::TooOld)) => break,
                Err(other) => panic!("an append ends definitely: {other}"),
            }
        }
        taken
    })
}

/// Looks at all documents again and again: those of one moment are told in one way.
fn looking<S: EventStore>(store: &Arc<S>, stop: &Arc<AtomicBool>) -> JoinHandle<()> {
    let (store, stop) = (Arc::clone(store), Arc::clone(stop));
    tokio::spawn(async move {
        let mut most = 0;
        while !stop.load(Ordering::Relaxed) {
            let rows = store.select(&TITLES, &[]).await.expect("documents are read");
            assert!(rows.len() >= most, "{} after {most}", rows.len());
            most = rows.len();
            let agree = |table: &InlineTable| {
                let told = |row: &Vec<Value>| row[1] == Value::Text(told(id_of(&row[0]), table.generation));
                rows.iter().all(told)
            };
            assert!(agree(&DOCUMENT) || agree(&LOUD_DOCUMENT), "{rows:?}");
        }
    })
}

async fn until_it_has(store: &impl EventStore, events: u64) {
    let patience = soon();
    while store.head().await.expect("the head is read").position.0 < events {
        assert!(Instant::now() < patience.0, "nobody writes");
        tokio::task::yield_now().await;
    }
}

pub async fn two_releases_write_side_by_side_through_a_switch<F: Fixture>(fixture: &F) {
    let older = open(fixture).await;
    creates_in(1, &DOCUMENT).done(&*older).await;
    let (older, newer) = upgrade(fixture, older).await;
    let stop = Arc::new(AtomicBool::new(false));
    let others = older.as_ref().map(|older| writing(older, 1_000_000, &stop));
    let writers = [writing(&newer, 2_000_000, &stop), writing(&newer, 3_000_000, &stop)];
    let looks = looking(&newer, &stop);
    until_it_has(&*newer, 20).await;
    let fence = build(&*newer).await;
    let built = newer.head().await.expect("the head is read").position.0;
    until_it_has(&*newer, built + 20).await;
    let held = hold(&*newer).await;
    finish(&*newer, fence, held).await;
    let switched = newer.head().await.expect("the head is read").position.0;
    until_it_has(&*newer, switched + 20).await;
    stop.store(true, Ordering::Relaxed);
    let mut taken = 1;
    for writer in writers.into_iter().chain(others) {
        taken += writer.await.expect("it ends");
    }
    looks.await.expect("it saw nothing wrong");
    assert_eq!(log(&*newer).await.len() as u64, taken, "nothing is lost and nothing comes of itself");
    assert_all_told(&*newer, &LOUD_DOCUMENT).await;
    let older = downgrade(fixture, older, newer).await;
    assert_refused(&*older, 2).await;
}
