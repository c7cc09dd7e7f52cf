//! Inline tables: rows that are written in the transaction of their append, and checked there.

use jiff::Timestamp;
use uuid::Uuid;

use super::scene::{changes, conflict, creates, document, log, open, secret, stream, title};
use super::tables::{changed_document, changed_secret, new_document, new_secret, no};
use super::{DOCUMENT, Fixture, SECRET};
use crate::{EventStore, RowChange, RowWrite, Value};

pub async fn rows_are_written_with_their_append<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    creates(5).done(&*store).await;
    let appended = creates(1).with_events(2).writing(new_document(stream(1), "first")).done(&*store).await;
    let row = document(&*store, 1).await.expect("the row is there");
    assert_eq!(row[0], Value::Uuid(stream(1).0));
    assert_eq!(row[2], Value::BigInt(3), "the position of the append's last event");
    assert_eq!(row[3], Value::Time(appended.recorded_at));
    assert_eq!(row[5], Value::Text("first".to_owned()));
    assert_eq!(document(&*store, 5).await, None);
}

pub async fn every_kind_of_value_is_stored_and_so_is_null<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    let moment = Timestamp::from_microsecond(-1_234_567).expect("a moment of 1969");
    let full = vec![
        Value::Uuid(stream(1).0),
        Value::BigInt(i64::MIN),
        Value::BigInt(i64::MAX),
        Value::Time(moment),
        Value::Time(Timestamp::UNIX_EPOCH),
        Value::Text("Zoë 🦆 \n'; --".to_owned()),
        Value::SmallInt(i16::MIN),
        Value::Bytes((0..=255).collect()),
        Value::Uuid(Uuid::max()),
    ];
    let mut empty = vec![Value::Null; full.len()];
    empty[0] = Value::Uuid(stream(2).0);
    creates(1)
        .writing(RowWrite { table: &DOCUMENT, change: RowChange::Insert(full.clone()) })
        .done(&*store)
        .await;
    creates(2)
        .writing(RowWrite { table: &DOCUMENT, change: RowChange::Insert(empty.clone()) })
        .done(&*store)
        .await;
    assert_eq!(document(&*store, 1).await, Some(full));
    assert_eq!(document(&*store, 2).await, Some(empty));
}

pub async fn an_update_writes_all_but_the_fixed_columns<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    let created = creates(1).writing(new_document(stream(1), "first")).done(&*store).await;
    let updated = changes(1, 1).writing(changed_document(stream(1), 2, "second")).done(&*store).await;
    let expected = vec![
        Value::Uuid(stream(1).0),
        Value::BigInt(2),
        Value::BigInt(2),
        Value::Time(created.recorded_at),
        Value::Time(updated.recorded_at),
        Value::Text("second".to_owned()),
        Value::SmallInt(3),
        Value::Bytes(vec![1]),
        Value::Uuid(stream(1).0),
    ];
    assert_eq!(document(&*store, 1).await, Some(expected));
}

pub async fn a_deleted_row_is_gone<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    for n in [1, 2] {
        creates(n)
            .writing(new_document(stream(n), "new"))
            .writing(new_secret(stream(n), b"s"))
            .done(&*store)
            .await;
    }
    changes(1, 1).writing(no(&DOCUMENT)).writing(no(&SECRET)).done(&*store).await;
    assert_eq!((document(&*store, 1).await, secret(&*store, 1).await), (None, None));
    assert!(
        document(&*store, 2).await.is_some() && secret(&*store, 2).await.is_some(),
        "the other one stays"
    );
}

pub async fn two_tables_change_together_or_not_at_all<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    creates(1).writing(new_document(stream(1), "first")).done(&*store).await;
    let half = changes(1, 1).writing(changed_document(stream(1), 2, "second"));
    assert_eq!(half.writing(changed_secret(stream(1), b"missing")).refused(&*store).await, conflict(1));
    assert_eq!(title(&*store, 1).await.as_deref(), Some("first"));
    let whole = changes(1, 1).writing(changed_document(stream(1), 2, "second"));
    whole.writing(new_secret(stream(1), b"new")).done(&*store).await;
    assert_eq!(title(&*store, 1).await.as_deref(), Some("second"));
    assert_eq!(secret(&*store, 1).await, Some(Value::Bytes(b"new".to_vec())));
}

pub async fn a_row_in_another_version_is_a_conflict<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    creates(1).writing(new_document(stream(1), "first")).done(&*store).await;
    store.execute("UPDATE document SET version = 7", &[]).await.expect("it is changed");
    assert_eq!(
        changes(1, 1).writing(changed_document(stream(1), 2, "second")).refused(&*store).await,
        conflict(1)
    );
    assert_eq!(changes(1, 1).writing(no(&DOCUMENT)).refused(&*store).await, conflict(1));
    assert_eq!(title(&*store, 1).await.as_deref(), Some("first"));
    assert_eq!(log(&*store).await.len(), 1);
}

pub async fn a_new_row_that_is_there_already_is_a_conflict<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    creates(1).writing(new_document(stream(1), "first")).done(&*store).await;
    assert_eq!(changes(1, 1).writing(new_document(stream(1), "second")).refused(&*store).await, conflict(1));
    assert_eq!(title(&*store, 1).await.as_deref(), Some("first"));
}

pub async fn a_row_that_is_missing_is_a_conflict<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    creates(1).done(&*store).await;
    for write in
        [changed_document(stream(1), 2, "second"), changed_secret(stream(1), b""), no(&DOCUMENT), no(&SECRET)]
    {
        assert_eq!(changes(1, 1).writing(write).refused(&*store).await, conflict(1));
    }
    assert_eq!(log(&*store).await.len(), 1);
}

pub async fn a_table_without_versions_is_updated_all_the_same<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    creates(1).with_events(4).writing(new_secret(stream(1), b"old")).done(&*store).await;
    assert_eq!(
        changes(1, 5).writing(changed_secret(stream(1), b"ahead")).refused(&*store).await,
        conflict(4)
    );
    changes(1, 4).writing(changed_secret(stream(1), b"new")).done(&*store).await;
    assert_eq!(secret(&*store, 1).await, Some(Value::Bytes(b"new".to_vec())));
}
