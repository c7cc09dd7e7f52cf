//! What only a store in a file can get wrong: its settings, its locks, its neighbours, and the disk under it.

mod place;

use std::process::Command;
use std::time::{Duration, Instant};
use std::{env, fs};

use eventstore::{
    AggregateId, Append, AppendError, ClaimChanges, Deadline, Durability, EventId, EventQuery, EventStore,
    Metadata, Migration, NewEvent, Position, ReadError, Value, Version, Warning,
};
use eventstore_sqlite::{Access, OpenError, Options, Store, Synchronous, migrate};
use uuid::Uuid;

use place::Place;

/// Where a test finds its place when it runs as a process of its own.
const PLACE: &str = "EVENTSTORE_SQLITE_TEST_PLACE";

fn creates(n: u128) -> Append {
    Append {
        aggregate_type: "document",
        aggregate_id: AggregateId(Uuid::from_u128(n)),
        expected: Version::NONE,
        events: vec![NewEvent {
            event_id: EventId(Uuid::from_u128(n)),
            event_type: "document.created",
            schema_version: 1,
            data: "{}".to_owned(),
            sealed: None,
        }],
        metadata: Metadata::default(),
        claims: ClaimChanges::default(),
        rows: Vec::new(),
        request: None,
        derived: eventstore::Derived::Kept,
    }
}

fn soon() -> Deadline {
    Deadline(Instant::now() + Duration::from_mins(1))
}

async fn open(options: Options) -> Store {
    migrate(&options).await.expect("it is migrated");
    Store::open(options).await.expect("it opens")
}

async fn fails(options: Options) -> OpenError {
    Store::open(options).await.expect_err("it does not open")
}

async fn length(store: &Store) -> usize {
    store.events(&EventQuery::after(Position::START, 10_000)).await.expect("it is read").events.len()
}

#[tokio::test]
async fn a_weak_setting_is_refused_unless_it_is_meant() {
    let place = Place::new();
    drop(open(place.options()).await);
    for synchronous in [Synchronous::Normal, Synchronous::Off] {
        let weak = Options { synchronous, ..place.options() };
        assert!(matches!(fails(weak.clone()).await, OpenError::Weakened(_)));
        let store = open(Options { durability: Durability::MayBeWeakened, ..weak }).await;
        assert!(
            matches!(store.warnings().await[..], [Warning::Weakened(_)]),
            "it warns for as long as it runs"
        );
    }
    let store = open(Options { durability: Durability::MayBeWeakened, ..place.options() }).await;
    assert_eq!(store.warnings().await, []);
}

#[tokio::test]
async fn a_file_has_one_owner_at_a_time() {
    let place = Place::new();
    let store = open(place.options()).await;
    assert!(matches!(fails(place.options()).await, OpenError::InUse(_)));
    assert!(matches!(migrate(&place.options()).await, Err(OpenError::InUse(_))));
    store.append(creates(1), soon()).await.unwrap();
    store.close().await;
    drop(open(place.options()).await);
    assert_eq!(length(&open(place.options()).await).await, 1, "a store that is dropped lets go of it too");
}

#[tokio::test]
async fn a_reader_reads_beside_the_owner_and_writes_nothing() {
    let place = Place::new();
    let beside = Options { access: Access::Reader, ..place.options() };
    assert!(matches!(fails(beside.clone()).await, OpenError::Missing(_)));
    let store = open(place.options()).await;
    store.append(creates(1), soon()).await.unwrap();
    let reader = Store::open(beside.clone()).await.unwrap();
    assert_eq!((reader.log_id(), length(&reader).await), (store.log_id(), 1));
    store.append(creates(2), soon()).await.unwrap();
    assert_eq!(length(&reader).await, 2);
    assert!(matches!(reader.append(creates(3), soon()).await, Err(AppendError::StoreDown)));
    let changed = reader.execute("UPDATE log_meta SET writer_floor = 9", &[]).await;
    assert!(matches!(changed, Err(ReadError::StoreDown(_))));
    store.close().await;
    reader.close().await;
    let reader = Store::open(beside).await.unwrap();
    assert_eq!(length(&reader).await, 2, "nor does it need an owner");
}

#[tokio::test]
async fn a_file_that_is_no_log_is_left_as_it_is() {
    let place = Place::new();
    fs::write(place.path(), "Dear diary, this is not a database at all. ".repeat(100)).unwrap();
    assert!(matches!(fails(place.options()).await, OpenError::NotADatabase(_)));
    assert!(matches!(migrate(&place.options()).await, Err(OpenError::NotADatabase(_))));
    fs::remove_file(place.path()).unwrap();

    place.shell().execute_batch("CREATE TABLE events (id INTEGER PRIMARY KEY)").unwrap();
    let before = fs::read(place.path()).unwrap();
    assert!(matches!(fails(place.options()).await, OpenError::NotALog(_)));
    assert!(matches!(migrate(&place.options()).await, Err(OpenError::NotALog(_))));
    assert_eq!(fs::read(place.path()).unwrap(), before);
}

#[tokio::test]
async fn a_damaged_page_is_corruption_and_not_an_empty_answer() {
    let place = Place::new();
    let store = open(place.options()).await;
    for n in 1..=200 {
        store.append(creates(n), soon()).await.unwrap();
    }
    store.close().await;
    let mut bytes = fs::read(place.path()).unwrap();
    let first_page = 4096;
    bytes[first_page..].fill(0x5a);
    fs::write(place.path(), bytes).unwrap();
    let opened = Store::open(place.options()).await;
    assert!(matches!(opened, Err(OpenError::NotADatabase(_) | OpenError::Migration(_))), "{opened:?}");
}

#[tokio::test]
async fn a_path_that_cannot_be_a_file_says_so() {
    let place = Place::new();
    let nowhere = Options::at(place.path().join("deeper"));
    assert!(matches!(migrate(&nowhere).await, Err(OpenError::Unusable { .. })));
    fs::create_dir(place.path()).unwrap();
    let error = migrate(&place.options()).await.unwrap_err();
    assert!(matches!(error, OpenError::Sqlite { .. }), "{error:?}");
}

#[tokio::test]
async fn a_store_with_another_schema_is_refused() {
    const FIRST: Migration =
        Migration { number: 1, name: "one", sql: "CREATE TABLE one (id INTEGER PRIMARY KEY)" };
    const SECOND: Migration =
        Migration { number: 2, name: "two", sql: "CREATE TABLE two (id INTEGER PRIMARY KEY)" };
    const EDITED: Migration = Migration { sql: "CREATE TABLE other (id INTEGER PRIMARY KEY)", ..FIRST };
    const BROKEN: Migration =
        Migration { sql: "CREATE TABLE two (id INTEGER PRIMARY KEY); nonsense", ..SECOND };
    let place = Place::new();
    let with = |migrations| Options { migrations, ..place.options() };
    assert!(matches!(fails(place.options()).await, OpenError::Missing(_)));
    migrate(&with(&[FIRST])).await.unwrap();
    assert!(
        matches!(fails(with(&[FIRST, SECOND])).await, OpenError::NotMigrated(what) if what.contains("V2__two"))
    );
    assert!(matches!(migrate(&with(&[FIRST, BROKEN])).await, Err(OpenError::Migration(_))));
    drop(Store::open(with(&[FIRST])).await.expect("nothing of a broken migration is left"));
    migrate(&with(&[FIRST, SECOND])).await.unwrap();
    assert!(matches!(fails(with(&[FIRST])).await, OpenError::Newer(what) if what.contains("V2__two")));
    assert!(matches!(migrate(&with(&[FIRST])).await, Err(OpenError::Newer(_))));
    assert!(
        matches!(fails(with(&[EDITED, SECOND])).await, OpenError::Edited(what) if what.contains("V1__one"))
    );
    assert!(matches!(migrate(&with(&[EDITED, SECOND])).await, Err(OpenError::Edited(_))));
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_can_read_the_files() {
    use std::os::unix::fs::PermissionsExt;

    let place = Place::new();
    let store = open(place.options()).await;
    store.append(creates(1), soon()).await.unwrap();
    let folder = place.path().parent().unwrap().to_owned();
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{entry:?}");
        names.push(entry.file_name());
    }
    names.sort_unstable();
    assert_eq!(names, ["log.db", "log.db-shm", "log.db-wal", "log.db.lock"]);
}

#[tokio::test]
async fn what_is_deleted_is_not_in_the_file_any_more() {
    const NOTES: &[Migration] = &[Migration {
        number: 1,
        name: "notes",
        sql: "CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT)",
    }];
    let place = Place::new();
    let store = open(Options { migrations: NOTES, ..place.options() }).await;
    let canary = "a canary that nobody may find";
    let insert = "INSERT INTO notes (text) VALUES ($1)";
    store.execute(insert, &[Value::Text(canary.to_owned())]).await.unwrap();
    let found = |bytes: Vec<u8>| bytes.windows(canary.len()).any(|window| window == canary.as_bytes());
    let both = ["db", "db-wal"].map(|extension| fs::read(place.path().with_extension(extension)).unwrap());
    assert!(found(both.concat()), "the test can see it");
    store.execute("DELETE FROM notes", &[]).await.unwrap();
    store.close().await;
    assert!(!found(fs::read(place.path()).unwrap()));
}

#[tokio::test]
async fn a_commit_that_the_products_own_schema_refuses_is_not_executed() {
    static CHILD: eventstore::InlineTable = eventstore::InlineTable {
        name: "child",
        generation: 1,
        version_column: None,
        columns: &[eventstore::InlineColumn {
            name: "id",
            kind: eventstore::ColumnKind::Uuid,
            class: eventstore::ColumnClass::Id,
            fixed: true,
        }],
    };
    static TABLES: &[&eventstore::InlineTable] = &[&CHILD];
    const FAMILY: &[Migration] = &[Migration {
        number: 1,
        name: "family",
        sql: "CREATE TABLE parent (id BLOB PRIMARY KEY);
            CREATE TABLE child (id BLOB PRIMARY KEY REFERENCES parent DEFERRABLE INITIALLY DEFERRED)",
    }];
    let place = Place::new();
    let store = open(Options { tables: TABLES, migrations: FAMILY, ..place.options() }).await;
    let orphan = eventstore::RowChange::Insert(vec![Value::Uuid(Uuid::from_u128(1))]);
    let rows = vec![eventstore::RowWrite { table: &CHILD, change: orphan }];
    let refused = store.append(Append { rows: rows.clone(), ..creates(1) }, soon()).await;
    assert!(matches!(refused, Err(AppendError::StoreDown)), "{refused:?}");
    assert_eq!(length(&store).await, 0);
    store.execute("INSERT INTO parent VALUES ($1)", &[Value::Uuid(Uuid::from_u128(1))]).await.unwrap();
    assert_eq!(store.append(Append { rows, ..creates(1) }, soon()).await.unwrap().position, Position(1));
}

/// A limit on the size of files makes COMMIT fail in the middle of writing to the WAL, as a full disk does.
#[cfg(unix)]
#[test]
fn a_commit_that_fails_on_the_disk_is_settled_and_the_store_goes_on() {
    let place = Place::new();
    let limited = Command::new("sh")
        .args([
            "-c",
            "trap '' XFSZ; ulimit -f 1000; exec \"$0\" --exact under_a_limit::appends_go_on --nocapture",
        ])
        .arg(env::current_exe().unwrap())
        .env(PLACE, place.path())
        .output()
        .unwrap();
    let said =
        String::from_utf8_lossy(&limited.stdout).into_owned() + &String::from_utf8_lossy(&limited.stderr);
    assert!(limited.status.success() && said.contains("1 passed"), "{said}");
    let shell = place.shell();
    let one = |sql| shell.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(one("SELECT count(*) FROM events"), under_a_limit::APPENDS.into());
    assert_eq!(one("SELECT max(position) FROM events"), under_a_limit::APPENDS.into());
    assert!(one("PRAGMA user_version") > 0, "no commit failed: the limit is too high");
    let sound: String = shell.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(sound, "ok");
}

#[cfg(unix)]
mod under_a_limit {
    use super::*;

    pub(super) const APPENDS: u32 = 300;

    /// Passes by itself; what it is for is to be run by its parent.
    #[tokio::test]
    async fn appends_go_on() {
        let Some(path) = env::var_os(PLACE) else { return };
        let store = open(Options::at(path)).await;
        for n in 1..=APPENDS {
            let appended = store.append(creates(n.into()), soon()).await.unwrap();
            assert_eq!(appended.position.0, n.into());
            // A reader's connection stays open, so that closing the writer's does not empty the WAL.
            assert_eq!(store.head().await.unwrap().position.0, n.into());
        }
        store.close().await;
    }
}
