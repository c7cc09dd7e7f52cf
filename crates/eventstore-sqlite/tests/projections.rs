//! What only a store in a file can get wrong about projections: who else reads the file, what a crash leaves in it, and
//! what else stands in its schema.

mod place;

use std::time::Duration;

use eventstore::conformance::{NAMED, NOTE, NOTES, NOTES_OF_TOMORROW, WORD};
use eventstore::{
    EventStore, Fence, Migration, Position, Progress, ProjectionBatch, ProjectionChange, ProjectionError,
    ProjectionLayout, ProjectionMode, ProjectionRow, ReadError, Row, Slot, Value, Writing,
};
use eventstore_sqlite::{Access, Options, Store, migrate};
use uuid::Uuid;

use place::Place;

/// Without subjects: here nobody is erased.
static LAYOUT: ProjectionLayout = ProjectionLayout { subjects: None, mode: ProjectionMode::Async, ..NOTES };

static TOMORROW: ProjectionLayout = ProjectionLayout { subjects: None, ..NOTES_OF_TOMORROW };

const MIGRATIONS: &[Migration] = &[Migration {
    number: 1,
    name: "notes",
    sql: "
        CREATE TABLE note (
            id BLOB NOT NULL, -- whose
            number INTEGER NOT NULL,
            text TEXT, stars INTEGER NOT NULL,
            PRIMARY KEY (id, number)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX note_by_text ON note (text) WHERE text IS NOT NULL;
        CREATE TRIGGER note_keeps_its_stars BEFORE UPDATE OF stars ON note WHEN new.stars < 0
        BEGIN
            SELECT RAISE(ABORT, 'no stars are taken away');
        END;
        CREATE VIEW starred AS SELECT number, stars FROM note WHERE stars > 0;
        CREATE TABLE word (word TEXT PRIMARY KEY, noted INTEGER NOT NULL, seen_at INTEGER) STRICT;
        CREATE TABLE named (id BLOB, name TEXT, PRIMARY KEY (id, name)) STRICT;",
}];

fn options(place: &Place) -> Options {
    Options { migrations: MIGRATIONS, ..place.options() }
}

async fn open(place: &Place) -> Store {
    migrate(&options(place)).await.expect("it is migrated");
    Store::open(options(place)).await.expect("it opens")
}

/// A store with a live generation that tails, and the right to write it.
async fn tailing(place: &Place) -> (Store, Fence) {
    let store = open(place).await;
    let projections = store.projections();
    projections.declare(&[&LAYOUT]).await.expect("it is declared");
    let fence = projections.lease("notes", Uuid::nil(), "a test", Duration::from_hours(1)).await;
    let fence = fence.expect("it is asked for").expect("it is free");
    projections.walked(&LAYOUT, Slot::Live, fence).await.expect("it has walked");
    (store, fence)
}

async fn batch(store: &Store, slot: Slot, fence: Fence, rows: Vec<ProjectionRow>) -> ProjectionBatch {
    let all = store.projections().generations().await.expect("the catalog is read");
    let generation = all.into_iter().find(|generation| generation.slot == slot).expect("it is there");
    let stands = Progress { checkpoint: generation.checkpoint, phase: generation.phase };
    ProjectionBatch {
        layout: &LAYOUT,
        slot,
        fence,
        from: stands,
        to: stands,
        streams: Vec::new(),
        rows,
        park: Vec::new(),
        unpark: Vec::new(),
        writing: Writing::Upsert,
    }
}

async fn put(
    store: &Store,
    slot: Slot,
    fence: Fence,
    rows: Vec<ProjectionRow>,
) -> Result<(), ProjectionError> {
    store.projections().apply(batch(store, slot, fence, rows).await).await.map(drop)
}

fn note(number: i64, stars: i64) -> ProjectionRow {
    let text = Value::Text(format!("note {number}"));
    let row: Row = vec![Value::Uuid(Uuid::nil()), Value::BigInt(number), text, Value::BigInt(stars)];
    ProjectionRow { table: &NOTE, change: ProjectionChange::Put(row) }
}

async fn begin(store: &Store, fence: Fence) {
    store.projections().begin(&TOMORROW, fence, Position::START).await.expect("it is begun");
    store.projections().walked(&TOMORROW, Slot::Next, fence).await.expect("it has walked");
}

fn generation_tables(place: &Place) -> i64 {
    let count = "SELECT count(*) FROM sqlite_schema WHERE name GLOB '*__g*' AND type = 'table'";
    place.shell().query_row(count, [], |row| row.get(0)).expect("the schema is a table")
}

#[tokio::test]
async fn a_reader_sees_projections_and_changes_none() {
    let place = Place::new();
    let (store, fence) = tailing(&place).await;
    put(&store, Slot::Live, fence, vec![note(1, 5)]).await.expect("it is put");
    begin(&store, fence).await;
    let reader = Store::open(Options { access: Access::Reader, ..options(&place) }).await.expect("it opens");
    let (reads, writes) = (reader.projections(), store.projections());
    assert_eq!(reads.generations().await.unwrap(), writes.generations().await.unwrap());
    assert_eq!(reads.leases().await.unwrap(), writes.leases().await.unwrap());
    assert_eq!(reads.rows_after(&NOTE, Slot::Live, None, 10).await.unwrap().len(), 1);
    assert_eq!(reads.rows_after(&NOTE, Slot::Next, None, 10).await.unwrap().len(), 0);
    assert_eq!(reads.wishes().await.unwrap(), []);
    let is_down = |error| matches!(error, ProjectionError::Store(ReadError::StoreDown(_)));
    assert!(is_down(reads.declare(&[&LAYOUT]).await.unwrap_err()));
    assert!(is_down(reads.wish("notes", "rebuild").await.unwrap_err()));
    assert!(is_down(put(&reader, Slot::Live, fence, vec![note(2, 5)]).await.unwrap_err()));
    assert!(is_down(reads.hold_appends().await.unwrap_err()));
    reader.beyond(Position::START).await;
}

#[tokio::test]
async fn what_a_crash_left_of_a_generation_is_dropped_at_the_next_start() {
    let place = Place::new();
    let (store, fence) = tailing(&place).await;
    begin(&store, fence).await;
    let many = (0..1000).map(|number| note(number, 1)).collect();
    put(&store, Slot::Next, fence, many).await.expect("they are put");
    drop(store);
    place.shell().execute("DELETE FROM projections WHERE slot = 'next'", []).expect("so much was committed");
    assert_eq!(generation_tables(&place), 3);
    let store = open(&place).await;
    store.projections().declare(&[&LAYOUT]).await.expect("it is declared");
    assert_eq!(generation_tables(&place), 0);
    begin(&store, fence).await;
    assert_eq!(store.projections().rows_after(&NOTE, Slot::Next, None, 10).await.unwrap(), Vec::<Row>::new());
}

#[tokio::test]
async fn a_table_that_somebody_dropped_is_in_nobodys_way() {
    let place = Place::new();
    let (store, fence) = tailing(&place).await;
    begin(&store, fence).await;
    place.shell().execute_batch("DROP TABLE note__g2").expect("it is there");
    store.projections().retire(&LAYOUT, fence, Slot::Next).await.expect("it goes");
    assert_eq!(generation_tables(&place), 0);
}

#[tokio::test]
async fn views_indexes_and_triggers_go_with_the_live_generation() {
    let place = Place::new();
    let (store, fence) = tailing(&place).await;
    put(&store, Slot::Live, fence, vec![note(1, 1)]).await.expect("it is put");
    for number in 2..=4_i64 {
        begin(&store, fence).await;
        put(&store, Slot::Next, fence, vec![note(1, number)]).await.expect("it is put");
        for slot in [Slot::Live, Slot::Next] {
            let taken_away = put(&store, slot, fence, vec![note(1, -100)]).await;
            assert!(taken_away.is_err(), "{slot:?} has its trigger");
        }
        store.projections().swap(&TOMORROW, fence, Slot::Next).await.expect("they are swapped");
        let shell = place.shell();
        let starred: i64 = shell.query_row("SELECT stars FROM starred", [], |row| row.get(0)).unwrap();
        assert_eq!(starred, number, "the view means what is live");
        let indexes =
            "SELECT count(*) FROM sqlite_schema WHERE tbl_name = 'note' AND sql LIKE 'CREATE INDEX%'";
        assert_eq!(shell.query_row(indexes, [], |row| row.get::<_, i64>(0)).unwrap(), 1);
        let strict = "SELECT strict + wr FROM pragma_table_list WHERE name = 'note'";
        assert_eq!(shell.query_row(strict, [], |row| row.get::<_, i64>(0)).unwrap(), 2);
    }
    let tables = [(&NOTE, 1), (&WORD, 0), (&NAMED, 0)];
    for (table, rows) in tables {
        let found = store.projections().rows_after(table, Slot::Live, None, 10).await.unwrap();
        assert_eq!(found.len(), rows, "{}", table.name);
    }
}
