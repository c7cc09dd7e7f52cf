//! Whoever keeps rows in memory is told of every change of them before whoever asked for it is answered.

#![expect(clippy::unwrap_used, reason = "a test that meets what nobody expected ends loudly")]

use std::mem::take;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use eventstore::{
    AggregateId, Append, ClaimChanges, ColumnClass, ColumnKind, Deadline, Derived, EventId, EventStore,
    InlineColumn, InlineTable, Metadata, Migration, NewEvent, RowChange, RowWitness, RowWrite, Value,
    Version,
};
use eventstore_sqlite::{Access, Options, Store, migrate};
use tempfile::TempDir;
use uuid::Uuid;

static PERSON: InlineTable = InlineTable {
    name: "person",
    generation: 1,
    version_column: None,
    columns: &[
        InlineColumn { name: "id", kind: ColumnKind::Uuid, class: ColumnClass::Id, fixed: true },
        InlineColumn { name: "email", kind: ColumnKind::Text, class: ColumnClass::Derived, fixed: false },
    ],
};

static TABLES: &[&InlineTable] = &[&PERSON];

const MIGRATIONS: &[Migration] = &[Migration {
    number: 1,
    name: "person",
    sql: "CREATE TABLE person (id BLOB PRIMARY KEY, email TEXT) STRICT; CREATE TABLE note (text TEXT) STRICT",
}];

/// What was told: of a stream, or of all.
#[derive(Debug, Default)]
struct Heard(Mutex<Vec<Option<AggregateId>>>);

impl Heard {
    fn so_far(&self) -> Vec<Option<AggregateId>> {
        take(&mut self.0.lock().unwrap())
    }
}

impl RowWitness for Heard {
    fn changed(&self, stream: AggregateId) {
        self.0.lock().unwrap().push(Some(stream));
    }

    fn any_changed(&self) {
        self.0.lock().unwrap().push(None);
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
    let heard = Arc::new(Heard::default());
    assert!(store.witnessed_by(Arc::<Heard>::clone(&heard)));
    assert!(!store.witnessed_by(Arc::new(Heard::default())), "there is one place");
    let (id, deadline) = (AggregateId(Uuid::from_u128(1)), Deadline(Instant::now() + Duration::from_mins(1)));
    store.append(created(id), deadline).await.unwrap();
    assert_eq!(heard.so_far(), [Some(id)]);
    store.append(created(id), deadline).await.unwrap_err();
    assert_eq!(heard.so_far(), [], "what is refused changes nothing");
    store.execute("UPDATE person SET email = 'b@example.org'", &[]).await.unwrap();
    assert_eq!(heard.so_far(), [None]);
    store.execute("INSERT INTO note VALUES ('nobody')", &[]).await.unwrap();
    assert_eq!(heard.so_far(), []);
    store.close().await;
    assert_eq!(heard.so_far(), [None], "what is closed answers nothing from memory");
}

#[tokio::test]
async fn who_reads_beside_the_owner_cannot_be_told() {
    let folder = tempfile::tempdir().unwrap();
    migrate(&options(&folder, Access::Owner)).await.unwrap();
    let store = Store::open(options(&folder, Access::Reader)).await.unwrap();
    assert!(!store.witnessed_by(Arc::new(Heard::default())));
}
