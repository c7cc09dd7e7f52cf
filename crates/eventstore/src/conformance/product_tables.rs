//! The product's own tables, read and changed outside an append.

use jiff::Timestamp;
use uuid::Uuid;

use super::Fixture;
use super::scene::{creates, document, open, stream, title};
use super::tables::new_document;
use crate::{ColumnKind, EventStore, ReadError, Select, Value};

const INSERT: &str =
    "INSERT INTO document (id, version, position, created_at, updated_at, title, shelf, digest, author)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";

static RENAMED: Select = Select {
    sql: "SELECT title FROM document WHERE version = $2 AND shelf = $1 AND position >= $2",
    columns: &[ColumnKind::Text],
};

static NONSENSE: Select = Select { sql: "SELECT title FROM no_such_table", columns: &[ColumnKind::Text] };

pub async fn every_kind_of_value_goes_in_and_comes_out<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    let full = vec![
        Value::Uuid(stream(1).0),
        Value::BigInt(i64::MIN),
        Value::BigInt(i64::MAX),
        Value::Time(Timestamp::from_microsecond(1_778_142_600_123_456).expect("a moment of our time")),
        Value::Time(Timestamp::UNIX_EPOCH),
        Value::Text(String::new()),
        Value::SmallInt(i16::MAX),
        Value::Bytes(Vec::new()),
        Value::Uuid(Uuid::nil()),
    ];
    let mut empty = vec![Value::Null; full.len()];
    empty[0] = Value::Uuid(stream(2).0);
    for row in [&full, &empty] {
        assert_eq!(store.execute(INSERT, row).await.expect("it is inserted"), 1);
    }
    assert_eq!(document(&*store, 1).await, Some(full));
    assert_eq!(document(&*store, 2).await, Some(empty));
    assert_eq!(document(&*store, 3).await, None);
}

pub async fn parameters_are_found_by_their_numbers<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    creates(1).writing(new_document(stream(1), "first")).done(&*store).await;
    let statement = "UPDATE document SET shelf = $3, title = $2 WHERE id = $1 AND title <> $2";
    let parameters = [Value::Uuid(stream(1).0), Value::Text("second".to_owned()), Value::SmallInt(4)];
    assert_eq!(store.execute(statement, &parameters).await.expect("it is changed"), 1);
    let found = store.select(&RENAMED, &[Value::SmallInt(4), Value::BigInt(1)]).await.expect("it is read");
    assert_eq!(found, [[Value::Text("second".to_owned())]]);
    let found = store.select(&RENAMED, &[Value::SmallInt(5), Value::BigInt(1)]).await.expect("it is read");
    assert_eq!(found, Vec::<Vec<Value>>::new());
}

pub async fn a_change_says_how_many_rows_it_touched<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    for n in 1..=3 {
        creates(n).writing(new_document(stream(n), "new")).done(&*store).await;
    }
    let touched = async |statement, parameters: &[Value]| {
        store.execute(statement, parameters).await.expect("the statement runs")
    };
    assert_eq!(touched("UPDATE document SET title = $1", &[Value::Text("old".to_owned())]).await, 3);
    assert_eq!(touched("DELETE FROM document WHERE id = $1", &[Value::Uuid(stream(2).0)]).await, 1);
    assert_eq!(touched("DELETE FROM document WHERE id = $1", &[Value::Uuid(stream(2).0)]).await, 0);
    let old = [Value::Text("old".to_owned())];
    assert_eq!(store.note("UPDATE document SET title = $1", &old).await.expect("the statement runs"), 2);
    assert_eq!((title(&*store, 1).await.as_deref(), title(&*store, 2).await), (Some("old"), None));
}

pub async fn a_wrong_statement_is_malformed<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    let id = [Value::Uuid(stream(1).0)];
    let results = [
        store.select(&NONSENSE, &[]).await.map(drop),
        store.select(&super::tables::DOCUMENT_BY_ID, &[]).await.map(drop),
        store.select(&super::tables::DOCUMENT_BY_ID, &[id[0].clone(), Value::Null]).await.map(drop),
        store.select(&super::tables::DOCUMENT_BY_ID, &[Value::RecordedAt]).await.map(drop),
        store.execute("DELETE FROM no_such_table", &[]).await.map(drop),
        store.execute("DELETE FROM document WHERE id = $1", &[]).await.map(drop),
    ];
    for (n, result) in results.into_iter().enumerate() {
        assert!(matches!(result, Err(ReadError::Malformed(_))), "{n}: {result:?}");
    }
    creates(1).writing(new_document(stream(1), "good")).done(&*store).await;
    assert_eq!(title(&*store, 1).await.as_deref(), Some("good"), "the store goes on");
}
