//! What is true of this store alone: the conformance suite says what is true of both.

mod appends;
mod authority;
mod connections;
mod database;
mod login;
mod projections;
mod rights;
mod tls;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use appends::{changed, created, erased, event, options};
use database::Database;
use eventstore::{Append, AppendError, Deadline, EventQuery, EventStore, Position, RecordedEvent, Rejection};
use eventstore_postgres::{OpenError, Options, Store, migrate};
use tokio::task::{JoinSet, yield_now};
use tokio_postgres::Client;

const WRITERS: u64 = 16;
const APPENDS: u64 = 60;
const KILLS: u32 = 8;

/// All the time in the world.
fn soon() -> Deadline {
    Deadline(Instant::now() + Duration::from_secs(30))
}

async fn open(options: &Options) -> Arc<Store> {
    migrate(options).await.expect("it is migrated");
    Arc::new(Store::open(options.clone()).await.expect("it opens"))
}

async fn log(store: &Store) -> Vec<RecordedEvent> {
    store.events(&EventQuery::after(Position::START, 100_000)).await.expect("the log is read").events
}

/// Appends, again as long as nobody can tell whether it took place, and says where it stands.
async fn insist(store: &Store, append: Append) -> Position {
    loop {
        match store.append(append.clone(), soon()).await {
            Ok(appended) => return appended.position,
            Err(AppendError::Rejected(Rejection::Duplicate(record))) => return record.position,
            Err(AppendError::StoreDown | AppendError::OutcomeUnknown) => yield_now().await,
            Err(other) => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn everything_that_an_append_can_hold_is_written_and_erased() {
    let database = Database::new().await;
    let store = open(&options(&database.url)).await;
    for append in [created(1), changed(1, 1), changed(1, 2), event(2, 0), event(2, 1), erased(1, 3)] {
        store.append(append, soon()).await.unwrap();
    }
    assert_eq!(log(&store).await.len(), 6);
    assert_eq!(store.claims(None, 10).await.unwrap(), []);
    assert_eq!(store.warnings().await, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_number_of_instances_start_together_on_an_empty_database() {
    let database = Database::new().await;
    let mut starting = JoinSet::new();
    for n in 0..8 {
        let options = options(&database.url);
        starting.spawn(async move {
            let store = open(&options).await;
            store.append(created(n), soon()).await.unwrap();
            assert_eq!(store.warnings().await, []);
            store.log_id()
        });
    }
    let ids: BTreeSet<_> = starting.join_all().await.into_iter().map(|id| id.0).collect();
    assert_eq!(ids.len(), 1);
    assert_eq!(log(&*open(&options(&database.url)).await).await.len(), 8);
}

#[tokio::test]
async fn a_store_that_was_not_migrated_does_not_open() {
    let database = Database::new().await;
    let error = Store::open(options(&database.url)).await.unwrap_err();
    assert!(matches!(error, OpenError::NotMigrated(_)), "{error}");
}

#[tokio::test]
async fn a_migration_that_was_edited_is_noticed() {
    static EDITED: &[eventstore::Migration] = &[eventstore::Migration {
        number: 1,
        name: "tables",
        sql: "CREATE TABLE person (id uuid PRIMARY KEY);",
    }];
    let database = Database::new().await;
    open(&options(&database.url)).await;
    let edited = Options { migrations: EDITED, ..options(&database.url) };
    assert!(matches!(migrate(&edited).await, Err(OpenError::Edited(_))));
    assert!(matches!(Store::open(edited).await, Err(OpenError::Edited(_))));
}

#[tokio::test]
async fn a_schema_is_a_log_of_its_own() {
    let database = Database::new().await;
    let first = open(&options(&database.url)).await;
    let second = open(&Options { schema: "another_tenant".to_owned(), ..options(&database.url) }).await;
    for store in [&first, &second] {
        assert_eq!(store.append(created(1), soon()).await.unwrap().position, Position(1));
    }
    assert_ne!(first.log_id(), second.log_id());
    let hostile = Options { schema: "a; DROP TABLE events".to_owned(), ..options(&database.url) };
    assert!(matches!(migrate(&hostile).await, Err(OpenError::SchemaName(_))));
}

/// The backend that is executing a batch, if one is.
async fn kill_an_appender(client: &Client) -> bool {
    let kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() \
        AND state = 'active' AND query LIKE 'WITH b AS MATERIALIZED%'";
    !client.query(kill, &[]).await.expect("backends are found").is_empty()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_doubled_when_the_server_ends_connections() {
    let database = Database::new().await;
    let stores = [open(&options(&database.url)).await, open(&options(&database.url)).await];
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let store = Arc::clone(&stores[usize::try_from(writer % 2).unwrap()]);
        writers.spawn(async move {
            let mut told = vec![insist(&store, created(writer)).await];
            for version in 1..APPENDS {
                told.push(insist(&store, changed(writer, version)).await);
            }
            told
        });
    }
    let killer = database.owner().await;
    let mut kills = 0;
    while kills < KILLS {
        kills += u32::from(kill_an_appender(&killer).await);
        assert!(!writers.is_empty());
    }
    let mut told = writers.join_all().await.concat();
    told.sort_unstable();
    let events = log(&stores[0]).await;
    let positions: Vec<_> = events.iter().map(|event| event.position).collect();
    assert_eq!(told, positions, "each append stands where its caller was told, once");
    assert_eq!(positions, (1..=WRITERS * APPENDS).map(Position).collect::<Vec<_>>());
    assert_eq!(stores[0].warnings().await, []);
}

#[tokio::test]
async fn a_commit_that_warns_is_settled_before_it_is_acknowledged() {
    let database = Database::new().await;
    let store = open(&options(&database.url)).await;
    // What a server says in the same words when it stops waiting for its standby.
    let warn = "CREATE FUNCTION warn() RETURNS trigger LANGUAGE plpgsql AS \
            $$ BEGIN RAISE WARNING 'canceling wait for synchronous replication due to user request'; RETURN NULL; END $$; \
        CREATE TRIGGER warns AFTER INSERT ON events EXECUTE FUNCTION warn();";
    database.owner().await.batch_execute(warn).await.unwrap();
    for n in 1..=3 {
        assert_eq!(store.append(created(n), soon()).await.unwrap().position, Position(n));
    }
    assert_eq!(log(&store).await.len(), 3);
}

#[tokio::test]
async fn a_text_that_the_database_cannot_hold_is_refused_alone() {
    let database = Database::new().await;
    let store = open(&options(&database.url)).await;
    let mut append = created(1);
    append.metadata.actor = Some("\0".to_owned());
    assert!(matches!(store.append(append, soon()).await, Err(AppendError::Malformed(_))));
}
