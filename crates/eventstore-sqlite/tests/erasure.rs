//! What is erased is gone from the disk while the store is open: from the file, and from the `-wal` beside it.

mod person;
mod place;

use std::fs;
use std::time::{Duration, Instant};

use eventstore::{
    AggregateId, Append, ClaimChanges, Deadline, Derived, EventId, EventStore, Metadata, Migration, NewEvent,
    OnErasure, Phase, Progress, ProjectionBatch, ProjectionChange, ProjectionLayout, ProjectionMode,
    ProjectionRow, ProjectionTable, RowChange, RowWrite, Slot, Subject, Value, Version, Writing,
};
use eventstore_sqlite::{Options, Store, migrate};
use uuid::Uuid;

use person::{PERSON, TABLES};
use place::Place;

/// Her address as it was from day to day, and where to find it.
static ADDRESSES: ProjectionLayout = ProjectionLayout {
    name: "addresses",
    revision: 1,
    mode: ProjectionMode::Async,
    tables: &[&ADDRESS, &MAILBOX],
    subjects: Some(&PERSON),
};

static ADDRESS: ProjectionTable = ProjectionTable {
    name: "address",
    columns: PERSON.columns,
    key_columns: 1,
    counters: &[],
    subject: Subject::Stream(OnErasure::Redact),
};

static MAILBOX: ProjectionTable =
    ProjectionTable { name: "mailbox", subject: Subject::Stream(OnErasure::Delete), ..ADDRESS };

const MIGRATIONS: &[Migration] = &[
    Migration {
        number: 1,
        name: "person",
        sql: "CREATE TABLE person (id BLOB PRIMARY KEY, email TEXT) STRICT",
    },
    Migration {
        number: 2,
        name: "addresses",
        sql: "CREATE TABLE address (id BLOB PRIMARY KEY, email TEXT) STRICT, WITHOUT ROWID;
            CREATE INDEX address_by_email ON address (email);
            CREATE TABLE mailbox (id BLOB PRIMARY KEY, email TEXT) STRICT, WITHOUT ROWID;",
    },
];

async fn open(place: &Place) -> Store {
    let options = Options { tables: TABLES, migrations: MIGRATIONS, ..place.options() };
    migrate(&options).await.expect("it is migrated");
    Store::open(options).await.expect("it opens")
}

fn person(n: u64) -> AggregateId {
    AggregateId(Uuid::from_u64_pair(1, n))
}

fn email(n: u64) -> String {
    format!("canary-{n:06}@example.org")
}

fn append(n: u64, version: u64, change: RowChange) -> Append {
    Append {
        aggregate_type: "person",
        aggregate_id: person(n),
        expected: Version(version),
        events: vec![NewEvent {
            event_id: EventId(Uuid::from_u64_pair(n, version)),
            event_type: "person.changed",
            schema_version: 1,
            data: "{}".to_owned(),
            sealed: None,
        }],
        metadata: Metadata::default(),
        claims: ClaimChanges::default(),
        rows: vec![RowWrite { table: &PERSON, change }],
        request: None,
        derived: Derived::Kept,
    }
}

fn soon() -> Deadline {
    Deadline(Instant::now() + Duration::from_mins(1))
}

async fn create(store: &Store, n: u64) {
    let row = vec![Value::Uuid(person(n).0), Value::Text(email(n))];
    store.append(append(n, 0, RowChange::Insert(row)), soon()).await.expect("she is taken in");
}

async fn erase(store: &Store, n: u64) {
    store.append(append(n, 1, RowChange::Delete), soon()).await.expect("she is erased");
}

/// The people whose e-mail stands somewhere in the file or in the `-wal`.
fn found(place: &Place) -> Vec<u64> {
    let mut bytes = fs::read(place.path()).expect("the file is there");
    bytes.extend(fs::read(place.path().with_extension("db-wal")).expect("the -wal is there"));
    let text = String::from_utf8_lossy(&bytes);
    let mut found: Vec<_> = text
        .split("canary-")
        .skip(1)
        .filter_map(|rest| rest.get(..6))
        .map(|number| number.parse().expect("a canary has a number"))
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// The callers are answered first, the disk is cleaned after.
async fn wait_until_only(place: &Place, remaining: &[u64]) {
    let deadline = Instant::now() + Duration::from_mins(1);
    while found(place) != remaining {
        assert!(Instant::now() < deadline, "still found: {:?}", found(place));
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn who_is_erased_is_in_no_file_while_the_store_is_open() {
    let place = Place::new();
    let store = open(&place).await;
    for n in 1..=3 {
        create(&store, n).await;
    }
    assert_eq!(found(&place), [1, 2, 3], "the test can see them");
    erase(&store, 2).await;
    wait_until_only(&place, &[1, 3]).await;
    store.close().await;
}

#[tokio::test]
async fn a_reader_who_is_in_the_way_does_not_keep_her_for_ever() {
    let place = Place::new();
    let store = open(&place).await;
    create(&store, 1).await;
    let reader = place.shell();
    reader.execute_batch("BEGIN; SELECT count(*) FROM person").expect("she is read");
    erase(&store, 1).await;
    create(&store, 2).await;
    assert!(found(&place).contains(&1), "the reader is in the way");
    reader.execute_batch("COMMIT").expect("it ends");
    wait_until_only(&place, &[2]).await;
}

#[tokio::test]
async fn what_a_killed_process_left_behind_goes_when_the_store_is_opened() {
    let (killed, place) = (Place::new(), Place::new());
    let store = open(&killed).await;
    create(&store, 1).await;
    let reader = killed.shell();
    reader.execute_batch("BEGIN; SELECT count(*) FROM person").expect("she is read");
    erase(&store, 1).await;
    for extension in ["db", "db-wal"] {
        let (from, to) = (killed.path().with_extension(extension), place.path().with_extension(extension));
        fs::copy(from, to).expect("it is as a crash leaves it");
    }
    assert_eq!(found(&place), [1]);
    let store = open(&place).await;
    wait_until_only(&place, &[]).await;
    drop(store);
}

/// Puts people into both tables of the one generation that there is.
async fn project(store: &Store, people: &[u64]) {
    let projections = store.projections();
    projections.declare(&[&ADDRESSES]).await.expect("it is declared");
    let fence = projections.lease(ADDRESSES.name, Uuid::nil(), "a test", Duration::from_hours(1)).await;
    let generation = projections.generations().await.expect("the catalog is read").remove(0);
    let stands = Progress { checkpoint: generation.checkpoint, phase: Phase::Tailing };
    let row = |n: &u64| vec![Value::Uuid(person(*n).0), Value::Text(email(*n))];
    let put = |table| move |n: &u64| ProjectionRow { table, change: ProjectionChange::Put(row(n)) };
    let batch = ProjectionBatch {
        layout: &ADDRESSES,
        slot: Slot::Live,
        fence: fence.expect("it is asked for").expect("it is free"),
        from: Progress { checkpoint: generation.checkpoint, phase: generation.phase },
        to: stands,
        streams: people.iter().copied().map(person).collect(),
        rows: people.iter().map(put(&ADDRESS)).chain(people.iter().map(put(&MAILBOX))).collect(),
        park: Vec::new(),
        unpark: Vec::new(),
        writing: Writing::Upsert,
    };
    projections.apply(batch).await.expect("they are put");
}

#[tokio::test]
async fn what_is_derived_from_who_is_erased_is_in_no_file_either() {
    let place = Place::new();
    let store = open(&place).await;
    for n in 1..=3 {
        create(&store, n).await;
    }
    project(&store, &[1, 2, 3]).await;
    store.append(append(2, 1, RowChange::Delete), soon()).await.expect("her own row goes");
    assert_eq!(found(&place), [1, 2, 3], "what is derived stays as long as nobody says that she is erased");
    let erasing = Append { rows: Vec::new(), derived: Derived::Erased, ..append(2, 2, RowChange::Delete) };
    store.append(erasing, soon()).await.expect("she is erased");
    wait_until_only(&place, &[1, 3]).await;
}

#[tokio::test]
async fn who_is_projected_after_she_was_erased_is_in_no_file() {
    let place = Place::new();
    let store = open(&place).await;
    for n in 1..=2 {
        create(&store, n).await;
    }
    erase(&store, 2).await;
    wait_until_only(&place, &[1]).await;
    project(&store, &[1, 2]).await;
    wait_until_only(&place, &[1]).await;
}
