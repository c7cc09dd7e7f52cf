//! Projections on a server: what a copy of a table is, what others see of a swap, and who waits for whom.

mod generations;
mod held;
mod erasures;

use std::sync::Arc;

use crate::appends::{self, PERSON, TABLES, created, id};
use crate::database::Database;
use crate::{open, soon};
use eventstore::{
    AggregateId, Append, ColumnClass, ColumnKind, EventStore, Fence, Generation, InlineColumn, Migration,
    OnErasure, Position, Progress, ProjectionBatch, ProjectionChange, ProjectionLayout, ProjectionMode,
    ProjectionRow, ProjectionTable, Select, Slot, Subject, Value, Writing,
};
use eventstore_postgres::{Options, Store};
use tokio::task::{JoinHandle, yield_now};
use tokio_postgres::Client;
use uuid::Uuid;

const fn column(name: &'static str, kind: ColumnKind, class: ColumnClass) -> InlineColumn {
    InlineColumn { name, kind, class, fixed: false }
}

static MEMO: ProjectionTable = ProjectionTable {
    name: "memo",
    columns: &[
        column("id", ColumnKind::Uuid, ColumnClass::Id),
        column("number", ColumnKind::BigInt, ColumnClass::Public),
        column("text", ColumnKind::Text, ColumnClass::Derived),
    ],
    key_columns: 2,
    counters: &[],
    subject: Subject::Stream(OnErasure::Redact),
};

static MEMOS: ProjectionLayout = ProjectionLayout {
    name: "memos",
    revision: 1,
    mode: ProjectionMode::Async,
    tables: &[&MEMO],
    subjects: Some(&PERSON),
};

/// About nobody.
static TAG: ProjectionTable = ProjectionTable {
    name: "tag",
    columns: &[
        column("tag", ColumnKind::Text, ColumnClass::Public),
        column("used", ColumnKind::BigInt, ColumnClass::Public),
    ],
    key_columns: 1,
    counters: &["used"],
    subject: Subject::Nobody,
};

/// The same in a later release, which has one table more.
static MEMOS_AND_TAGS: ProjectionLayout = ProjectionLayout { revision: 2, tables: &[&MEMO, &TAG], ..MEMOS };

/// And in one after that, which does without it again.
static MEMOS_ALONE: ProjectionLayout = ProjectionLayout { revision: 3, ..MEMOS };

static PROJECTED_PERSON: ProjectionTable = ProjectionTable {
    name: PERSON.name,
    columns: PERSON.columns,
    key_columns: 1,
    counters: &[],
    subject: Subject::Stream(OnErasure::Delete),
};

static PEOPLE: ProjectionLayout = ProjectionLayout {
    name: "people",
    revision: 1,
    mode: ProjectionMode::Inline,
    tables: &[&PROJECTED_PERSON],
    subjects: None,
};

static MIGRATIONS: &[Migration] = &[
    appends::MIGRATIONS[0],
    Migration {
        number: 2,
        name: "memo",
        sql: "CREATE TABLE memo (id uuid, number bigint, text text COLLATE \"C\", PRIMARY KEY (id, number)) \
                WITH (fillfactor = 70); \
              CREATE UNIQUE INDEX memo_by_text ON memo (lower(text), number DESC, id) WHERE number > 0; \
              CREATE TABLE tag (tag text COLLATE \"C\" PRIMARY KEY, used bigint);",
    },
];

static TEXTS: Select =
    Select { sql: "SELECT text FROM memo ORDER BY id, number", columns: &[ColumnKind::Text] };

fn options(database: &Database) -> Options {
    Options { tables: TABLES, migrations: MIGRATIONS, ..Options::at(&database.url) }
}

async fn owned(store: &Store, layout: &'static ProjectionLayout) -> Fence {
    let projections = store.projections();
    projections.declare(&[&MEMOS, &PEOPLE]).await.expect("they are declared");
    let lease = projections.lease(layout.name, Uuid::from_u128(1), "tests", std::time::Duration::MAX).await;
    lease.expect("it is asked for").expect("it is free")
}

async fn generation(store: &Store, layout: &ProjectionLayout, slot: Slot) -> Generation {
    let mut all = store.projections().generations().await.expect("the catalog is read").into_iter();
    all.find(|one| one.projection == layout.name && one.slot == slot).expect("there is one")
}

/// A step that stays where it is, and writes a memo about a stream.
async fn memo(store: &Store, slot: Slot, fence: Fence, stream: u64, text: &str) {
    let stands = generation(store, &MEMOS, slot).await;
    let stands = Progress { checkpoint: stands.checkpoint, phase: stands.phase };
    let row = vec![Value::Uuid(id(1, stream)), Value::BigInt(1), Value::Text(text.to_owned())];
    let batch = ProjectionBatch {
        layout: &MEMOS,
        slot,
        fence,
        from: stands,
        to: stands,
        streams: vec![AggregateId(id(1, stream))],
        rows: vec![ProjectionRow { table: &MEMO, change: ProjectionChange::Put(row) }],
        park: Vec::new(),
        unpark: Vec::new(),
        writing: Writing::Upsert,
    };
    store.projections().apply(batch).await.expect("the step is taken");
}

/// A live generation with one memo, and another one beside it that is ready.
async fn two_generations(store: &Store) -> Fence {
    store.append(created(1), soon()).await.expect("it is appended");
    let fence = owned(store, &MEMOS).await;
    let projections = store.projections();
    projections.walked(&MEMOS, Slot::Live, fence).await.expect("it has walked");
    memo(store, Slot::Live, fence, 1, "old").await;
    projections.begin(&MEMOS, fence, Position(1)).await.expect("another one is begun");
    memo(store, Slot::Next, fence, 1, "new").await;
    fence
}

async fn texts(store: &Store) -> Vec<Value> {
    store.select(&TEXTS, &[]).await.expect("it is read").concat()
}

fn text(text: &str) -> Vec<Value> {
    vec![Value::Text(text.to_owned())]
}

/// Whether a query finds anything: asked until it does.
async fn until(client: &Client, query: &str) {
    while client.query(query, &[]).await.expect("the server is asked").is_empty() {
        yield_now().await;
    }
}

fn spawn_append(store: &Arc<Store>, append: Append) -> JoinHandle<Position> {
    let store = Arc::clone(store);
    tokio::spawn(async move { store.append(append, soon()).await.expect("it is appended").position })
}

const WAITS_FOR_A_LOCK: &str = "SELECT 1 FROM pg_locks l JOIN pg_stat_activity a USING (pid) \
    WHERE NOT l.granted AND a.datname = current_database() AND l.locktype = 'advisory'";

#[tokio::test]
async fn a_store_says_how_large_it_is() {
    let database = Database::new().await;
    let store = open(&options(&database)).await;
    for n in 1..=20 {
        store.append(created(n), soon()).await.unwrap();
    }
    let size = store.size().await.unwrap();
    let indexes = size.indexes.expect("they can be told apart");
    assert!(size.events > 0 && indexes > 0 && size.total >= size.events + indexes, "{size:?}");
    assert_eq!(size.wal, None, "the role of the service may not ask");
}
