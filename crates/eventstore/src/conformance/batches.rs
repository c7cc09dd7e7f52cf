//! Appends that are committed together are judged apart: whole or not at all, whatever became of the others.

use super::Fixture;
use super::scene::{
    Command, begin, changes, conflict, creates, document, key, log, open, owner, rejection, request, secret,
    soon, stream, title,
};
use super::tables::{changed_document, new_document, new_secret};
use crate::{AppendError, EventStore, InlineTable, Rejection, RowChange, RowWrite, Value, Version};

/// A table that the store was not opened with.
static UNDECLARED: InlineTable =
    InlineTable { name: "undeclared", generation: 1, version_column: None, columns: &[] };

pub async fn a_refused_append_never_fails_its_batch_mates<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    creates(1).taking(1).requested(1).done(&*store).await;
    let block = fixture.block_appends().await;
    let mut commands: Vec<Command> = Vec::new();
    for n in (10..90).step_by(5) {
        commands.push(creates(n).taking(n).requested(n).writing(new_document(stream(n), "good")));
        commands.push(changes(n + 1, 3)); // no such stream
        commands.push(creates(n + 2).taking(1)); // taken
        commands.push(creates(n + 3).requested(1)); // done already
        commands.push(changes(n + 4, 0).writing(changed_document(stream(n + 4), 1, "missing")));
    }
    let mut waiting: Vec<_> = commands.into_iter().map(|command| store.append(command.0, soon())).collect();
    for append in &mut waiting {
        assert!(begin(append).await.is_none(), "the writer is blocked");
    }
    drop(block);
    for (n, append) in (10..).zip(waiting) {
        let result = append.await;
        match n % 5 {
            0 => assert_eq!(result.expect("the good ones are taken").version, Version(1)),
            1 | 4 => assert_eq!(rejection(result), conflict(0)),
            2 => assert_eq!(rejection(result), Rejection::ClaimTaken { key: key(1), owner: stream(1) }),
            _ => assert!(
                matches!(rejection(result), Rejection::Duplicate(record) if record.aggregate_id == stream(1))
            ),
        }
    }
    assert_eq!(log(&*store).await.len(), 1 + 16);
    assert_eq!(store.claims(None, 100).await.expect("claims are read").len(), 1 + 16);
}

pub async fn a_refused_append_leaves_nothing<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    creates(1).taking(1).done(&*store).await;
    let full = |n| {
        let rows = creates(n).writing(new_document(stream(n), "new")).writing(new_secret(stream(n), b"new"));
        rows.taking(2).requested(n).with_events(2)
    };
    full(2).taking(1).refused(&*store).await;
    changes(2, 1).taking(2).writing(new_document(stream(2), "new")).requested(2).refused(&*store).await;
    assert_eq!(log(&*store).await.len(), 1);
    assert_eq!(owner(&*store, 2).await, None);
    assert_eq!((document(&*store, 2).await, secret(&*store, 2).await), (None, None));
    assert_eq!(store.request(request(2).key).await.expect("requests are read"), None);
    full(2).done(&*store).await;
    assert_eq!(title(&*store, 2).await.as_deref(), Some("new"));
}

pub async fn a_malformed_append_is_refused_before_it_has_batch_mates<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    let short = RowWrite { table: &super::SECRET, change: RowChange::Insert(vec![Value::Uuid(stream(2).0)]) };
    let of_another = new_secret(stream(3), b"");
    let unknown = RowWrite { table: &UNDECLARED, change: RowChange::Delete };
    let block = fixture.block_appends().await;
    let mut good = store.append(creates(1).0, soon());
    assert!(begin(&mut good).await.is_none(), "the writer is blocked");
    for malformed in [
        creates(2).with_events(0),
        creates(2).with_events(0).writing(new_document(stream(2), "")).requested(2),
        creates(2).writing(new_secret(stream(2), b"")).writing(new_secret(stream(2), b"")),
        creates(2).writing(short),
        creates(2).writing(of_another),
        creates(2).writing(unknown),
    ] {
        let result = malformed.on(&*store).await;
        assert!(matches!(result, Err(AppendError::Malformed(_))), "{result:?}");
    }
    drop(block);
    good.await.expect("it is taken");
    assert_eq!(log(&*store).await.len(), 1);
}

pub async fn an_append_with_many_events_is_one<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    let appended = creates(1).with_events(500).writing(new_document(stream(1), "long")).done(&*store).await;
    assert_eq!((appended.position.0, appended.version.0), (500, 500));
    let events = log(&*store).await;
    assert!(events.iter().all(|event| event.recorded_at == appended.recorded_at));
    assert_eq!(document(&*store, 1).await.map(|row| row[2].clone()), Some(Value::BigInt(500)));
}
