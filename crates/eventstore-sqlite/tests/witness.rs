//! Whoever keeps rows in memory is told of every change of them before whoever asked for it is answered.

#![expect(clippy::unwrap_used, reason = "a test that meets what nobody expected ends loudly")]

mod person;

use std::mem::take;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use eventstore::{
    AggregateId, Append, ClaimChanges, Deadline, Derived, EventId, EventStore, Metadata, Migration, NewEvent,
    RowChange, RowWitness, RowWrite, Value, Version,
};
use eventstore_sqlite::{Access, Options, Store, migrate};
use rusqlite::{Connection, Row};
use tempfile::TempDir;
use uuid::Uuid;

use person::{PERSON, TABLES};

const MIGRATIONS: &[Migration] = &[Migration {
    number: 1,
    name: "person",
    sql: "CREATE TABLE person (id BLOB PRIMARY KEY, email TEXT) STRICT; CREATE TABLE note (text TEXT) STRICT",
}];

/// What was told: whose rows, and how many people there were in the file then.
#[derive(Debug)]
struct Heard {
    shell: Mutex<Connection>,
    told: Mutex<Vec<(&'static str, Option<AggregateId>, u32)>>,
}

impl Heard {
    fn of(folder: &TempDir) -> Self {
        let shell = Connection::open(folder.path().join("log.db")).unwrap();
        Self { shell: Mutex::new(shell), told: Mutex::default() }
    }

    fn hear(&self, what: &'static str, stream: Option<AggregateId>) {
        let people = |row: &Row<'_>| row.get(0);
        let people = self.shell.lock().unwrap().query_row("SELECT count(*) FROM person", [], people).unwrap();
        self.told.lock().unwrap().push((what, stream, people));
    }

    fn so_far(&self) -> Vec<(&'static str, Option<AggregateId>, u32)> {
        take(&mut self.told.lock().unwrap())
    }
}

impl RowWitness for Heard {
    fn changing(&self, streams: &mut dyn Iterator<Item = AggregateId>) {
        streams.for_each(|stream| self.hear("changing", Some(stream)));
    }

    fn changed(&self, streams: &mut dyn Iterator<Item = AggregateId>) {
        streams.for_each(|stream| self.hear("changed", Some(stream)));
    }

    fn any_changing(&self) {
        self.hear("changing", None);
    }

    fn any_changed(&self) {
        self.hear("changed", None);
    }
}

fn options(folder: &TempDir, access: Access) -> Options {
    Options { tables: TABLES, migrations: MIGRATIONS, access, ..Options::at(folder.path().join("log.db")) }
}

/// The first event of a stream, or one of the same version again.
fn created(id: AggregateId) -> Append {
    let event = NewEvent {
        event_id: EventId(Uuid::from_u128(2)),
        event_type: "person.created",
        schema_version: 1,
        data: "{}".to_owned(),
        sealed: None,
    };
    let row = vec![Value::Uuid(id.0), Value::Text("a@example.org".to_owned())];
    Append {
        aggregate_type: "person",
        aggregate_id: id,
        expected: Version::NONE,
        events: vec![event],
        metadata: Metadata::default(),
        claims: ClaimChanges::default(),
        rows: vec![RowWrite { table: &PERSON, change: RowChange::Insert(row) }],
        request: None,
        derived: Derived::Kept,
    }
}

#[tokio::test]
async fn every_change_is_told_before_it_is_answered() {
    let folder = tempfile::tempdir().unwrap();
    migrate(&options(&folder, Access::Owner)).await.unwrap();
    let store = Store::open(options(&folder, Access::Owner)).await.unwrap();
    let heard = Arc::new(Heard::of(&folder));
    assert!(store.witnessed_by(Arc::<Heard>::clone(&heard)));
    assert!(!store.witnessed_by(Arc::new(Heard::of(&folder))), "there is one place");
    let (id, deadline) = (AggregateId(Uuid::from_u128(1)), Deadline(Instant::now() + Duration::from_mins(1)));
    store.append(created(id), deadline).await.unwrap();
    assert_eq!(
        heard.so_far(),
        [("changing", Some(id), 0), ("changed", Some(id), 1)],
        "before anybody can see it"
    );
    store.append(created(id), deadline).await.unwrap_err();
    heard.so_far();
    store.execute("UPDATE person SET email = 'b@example.org'", &[]).await.unwrap();
    assert_eq!(heard.so_far(), [("changing", None, 1), ("changed", None, 1)]);
    store.execute("INSERT INTO note VALUES ('nobody')", &[]).await.unwrap();
    assert_eq!(heard.so_far(), []);
    store.close().await;
    assert_eq!(heard.so_far(), [("changed", None, 1)], "what is closed answers nothing from memory");
}

#[tokio::test]
async fn who_reads_beside_the_owner_cannot_be_told() {
    let folder = tempfile::tempdir().unwrap();
    migrate(&options(&folder, Access::Owner)).await.unwrap();
    let store = Store::open(options(&folder, Access::Reader)).await.unwrap();
    assert!(!store.witnessed_by(Arc::new(Heard::of(&folder))));
}
