//! Generations on a server: what a copy of a table is, what others see of a swap, and who waits for whom.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::appends::{self, PERSON, TABLES, changed, created, erased, event, id};
use crate::database::Database;
use crate::{open, soon};
use eventstore::{
    AggregateId, Append, ColumnClass, ColumnKind, Derived, EventStore, Fence, Generation, InlineColumn,
    Migration, OnErasure, Position, Progress, ProjectionBatch, ProjectionChange, ProjectionLayout,
    ProjectionMode, ProjectionRow, ProjectionTable, Select, Slot, Subject, Value, Writing,
};
use eventstore_postgres::{Options, Store};
use tokio::task::{JoinHandle, JoinSet, yield_now};
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
              CREATE UNIQUE INDEX memo_by_text ON memo (lower(text), number DESC, id) WHERE number > 0;",
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

/// The indexes of a table, with what they are.
async fn indexes(client: &Client, table: &str) -> Vec<(String, String)> {
    let ask = "SELECT indexname::text, indexdef FROM pg_indexes WHERE tablename = $1 ORDER BY 1";
    let rows = client.query(ask, &[&table]).await.expect("indexes are listed");
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
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
async fn a_generation_has_the_rights_the_room_and_the_indexes_of_the_live_one() {
    let database = Database::new().await;
    let store = open(&options(&database)).await;
    let fence = two_generations(&store).await;
    let client = database.owner().await;
    let live = indexes(&client, "memo").await;
    assert_eq!(indexes(&client, "memo__g2").await.len(), 1, "the primary key, from the start");
    store.projections().walked(&MEMOS, Slot::Next, fence).await.unwrap();
    let copies = indexes(&client, "memo__g2").await.into_iter();
    let named = copies.map(|(name, what)| (name.replace("__g2", ""), what.replace("__g2", "")));
    assert_eq!(named.collect::<Vec<_>>(), live);
    let look = "SELECT reloptions = (SELECT reloptions FROM pg_class WHERE relname = 'memo'), \
        relacl IS NOT DISTINCT FROM (SELECT relacl FROM pg_class WHERE relname = 'memo') \
        FROM pg_class WHERE relname = 'memo__g2'";
    let same = client.query_one(look, &[]).await.unwrap();
    assert!(same.get::<_, bool>(0) && same.get::<_, bool>(1));
    store.projections().swap(&MEMOS, fence, Slot::Next).await.unwrap();
    assert_eq!(indexes(&client, "memo").await, live, "under the names that migrations know");
    store.projections().retire(&MEMOS, fence, Slot::Prior).await.unwrap();
    assert_eq!(indexes(&client, "memo__g1").await, []);
}

#[tokio::test]
async fn a_statement_that_was_prepared_before_a_swap_reads_the_new_generation() {
    let database = Database::new().await;
    let (store, other) = (open(&options(&database)).await, open(&options(&database)).await);
    let fence = two_generations(&store).await;
    // Often enough for its plan to be kept.
    for _ in 0..10 {
        assert_eq!(texts(&other).await, text("old"));
    }
    store.projections().walked(&MEMOS, Slot::Next, fence).await.unwrap();
    for (slot, found) in [(Slot::Next, "new"), (Slot::Prior, "old"), (Slot::Prior, "new")] {
        store.projections().swap(&MEMOS, fence, slot).await.unwrap();
        assert_eq!(texts(&other).await, text(found));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_swap_that_waits_for_a_reader_keeps_no_other_waiting() {
    let database = Database::new().await;
    let store = open(&options(&database)).await;
    let fence = two_generations(&store).await;
    store.projections().walked(&MEMOS, Slot::Next, fence).await.unwrap();
    let reader = database.owner().await;
    reader.batch_execute("BEGIN; SELECT text FROM memo").await.unwrap();
    let swapping = tokio::spawn({
        let store = Arc::clone(&store);
        async move { store.projections().swap(&MEMOS, fence, Slot::Next).await }
    });
    let waits = "SELECT 1 FROM pg_locks l JOIN pg_stat_activity a USING (pid) \
        WHERE NOT l.granted AND a.datname = current_database() AND l.mode = 'AccessExclusiveLock'";
    until(&database.owner().await, waits).await;
    for _ in 0..3 {
        assert_eq!(texts(&store).await, text("old"));
    }
    assert!(!swapping.is_finished());
    reader.batch_execute("COMMIT").await.unwrap();
    swapping.await.unwrap().unwrap();
    assert_eq!(texts(&store).await, text("new"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn appends_that_wait_while_they_are_held_do_not_keep_a_swap_waiting() {
    let database = Database::new().await;
    let stores = [open(&options(&database)).await, open(&options(&database)).await];
    for n in 1..=2 {
        stores[0].append(created(n), soon()).await.unwrap();
    }
    let fence = owned(&stores[0], &PEOPLE).await;
    let projections = stores[0].projections();
    projections.begin(&PEOPLE, fence, Position(2)).await.unwrap();
    let client = database.owner().await;
    client.batch_execute("INSERT INTO person__g2 SELECT * FROM person").await.unwrap();
    projections.walked(&PEOPLE, Slot::Next, fence).await.unwrap();
    // Whoever is about to hold the appends stands in front; a statement of each store comes after her, and would keep
    // its lock on the table while it waits.
    client
        .batch_execute("BEGIN; SELECT pg_advisory_xact_lock(hashtextextended(current_schema(), 0))")
        .await
        .unwrap();
    let ready = tokio::spawn({
        let store = Arc::clone(&stores[0]);
        async move { store.projections().hold_appends().await }
    });
    let watch = database.owner().await;
    until(&watch, WAITS_FOR_A_LOCK).await;
    let waiting: Vec<_> =
        (1..=2u64).zip(&stores).map(|(n, store)| spawn_append(store, changed(n, 1))).collect();
    client.batch_execute("COMMIT").await.unwrap();
    let held = ready.await.unwrap().unwrap();
    until(&watch, WAITS_FOR_A_LOCK).await;
    held.swap(&PEOPLE, fence, Slot::Next, None).await.unwrap();
    let mut positions = Vec::new();
    for append in waiting {
        positions.push(append.await.unwrap());
    }
    positions.sort_unstable();
    assert_eq!(positions, [Position(3), Position(4)]);
    let renamed = client.query_one("SELECT count(*) FROM person WHERE name = 'Grace'", &[]).await.unwrap();
    assert_eq!(renamed.get::<_, i64>(0), 2, "they write the new generation");
    assert_eq!(generation(&stores[0], &PEOPLE, Slot::Prior).await.checkpoint.position, Position(2));
}

/// A step that writes nothing, up to the head.
async fn catch_up(store: &Store, layout: &'static ProjectionLayout, slot: Slot, fence: Fence) {
    let (from, head) = (generation(store, layout, slot).await, store.head().await.expect("there is one"));
    let from = Progress { checkpoint: from.checkpoint, phase: from.phase };
    let mut to = from;
    (to.checkpoint.position, to.checkpoint.event_id) = (head.position, head.event_id);
    let (streams, rows, park, unpark) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let writing = Writing::Upsert;
    let step = ProjectionBatch { layout, slot, fence, from, to, streams, rows, park, unpark, writing };
    store.projections().apply(step).await.expect("the step is taken");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_inline_projection_is_swapped_again_and_again_while_two_instances_write() {
    const SWAPS: u32 = 5;
    let database = Database::new().await;
    let stores = [open(&options(&database)).await, open(&options(&database)).await];
    let fence = owned(&stores[0], &PEOPLE).await;
    let swapping = Arc::new(AtomicBool::new(true));
    let mut writers = JoinSet::new();
    for n in 0..8u64 {
        let (store, swapping) = (Arc::clone(&stores[usize::from(n % 2 == 0)]), Arc::clone(&swapping));
        writers.spawn(async move {
            let mut version = 0;
            while swapping.load(Ordering::Acquire) {
                let append = if version == 0 { created(n) } else { changed(n, version) };
                store.append(append, soon()).await.expect("who has to wait is not refused");
                version += 1;
            }
            version
        });
    }
    let (client, projections) = (database.owner().await, stores[0].projections());
    for number in 2..2 + SWAPS {
        let up_to = stores[0].head().await.unwrap().position;
        projections.begin(&PEOPLE, fence, up_to).await.unwrap();
        projections.walked(&PEOPLE, Slot::Next, fence).await.unwrap();
        let held = projections.hold_appends().await.unwrap();
        let fill = format!("INSERT INTO person__g{number} SELECT * FROM person");
        client.batch_execute(&fill).await.unwrap();
        catch_up(&stores[0], &PEOPLE, Slot::Next, fence).await;
        held.swap(&PEOPLE, fence, Slot::Next, None).await.unwrap();
    }
    swapping.store(false, Ordering::Release);
    let written: u64 = writers.join_all().await.into_iter().sum();
    let found = client.query_one("SELECT sum(version)::bigint FROM person", &[]).await.unwrap();
    assert_eq!(found.get::<_, i64>(0).cast_unsigned(), written, "no row has been left in an old generation");
    assert_eq!(stores[0].head().await.unwrap().position, Position(written));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_erasure_waits_for_a_step_and_keeps_no_other_instance_waiting() {
    let database = Database::new().await;
    let (store, other) = (open(&options(&database)).await, open(&options(&database)).await);
    let fence = two_generations(&store).await;
    let client = database.owner().await;
    // What a step holds.
    let hold =
        "BEGIN; SELECT pg_advisory_xact_lock_shared(hashtextextended('erasure of ' || current_schema(), 0))";
    client.batch_execute(hold).await.unwrap();
    let erasing = spawn_append(&store, Append { derived: Derived::Erased, ..erased(1, 1) });
    until(&database.owner().await, WAITS_FOR_A_LOCK).await;
    other.append(event(7, 0), soon()).await.unwrap();
    client.batch_execute("UPDATE memo SET text = 'written late'; COMMIT").await.unwrap();
    erasing.await.unwrap();
    assert_eq!(texts(&store).await, [Value::Null]);
    memo(&store, Slot::Live, fence, 1, "too late").await;
    assert_eq!(texts(&store).await, [Value::Null]);
    let next = store.projections().rows_after(&MEMO, Slot::Next, None, 10).await.unwrap();
    assert_eq!(next[0][2], Value::Null);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_left_of_whoever_is_erased_while_a_step_writes_about_her() {
    let database = Database::new().await;
    let (store, other) = (open(&options(&database)).await, open(&options(&database)).await);
    let fence = two_generations(&store).await;
    for n in 2..20 {
        store.append(created(n), soon()).await.unwrap();
        let erasing = spawn_append(&other, Append { derived: Derived::Erased, ..erased(n, 1) });
        memo(&store, Slot::Live, fence, n, "canary").await;
        erasing.await.unwrap();
        let state = store.projections().states(&MEMO, Slot::Live, &[AggregateId(id(1, n))]).await.unwrap();
        assert_eq!(state[0][2], Value::Null, "{n}");
    }
}

#[tokio::test]
async fn a_table_that_has_gone_does_not_keep_anybody_from_being_erased() {
    let database = Database::new().await;
    let store = open(&options(&database)).await;
    two_generations(&store).await;
    database.owner().await.batch_execute("DROP TABLE memo__g2").await.unwrap();
    store.append(Append { derived: Derived::Erased, ..erased(1, 1) }, soon()).await.unwrap();
    assert_eq!(texts(&store).await, [Value::Null]);
}

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
