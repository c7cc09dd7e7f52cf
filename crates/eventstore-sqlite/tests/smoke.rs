//! The thinnest way through the store: made, appended to, read, opened again.

use std::time::{Duration, Instant};

use eventstore::{
    AggregateId, Append, ClaimChanges, ClaimKey, Deadline, EventId, EventQuery, EventStore, Metadata,
    NewEvent, Position, Version,
};
use eventstore_sqlite::{Options, Store, migrate};
use uuid::Uuid;

#[tokio::test]
async fn what_is_appended_is_there_after_the_store_was_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options::at(folder.path().join("log.db"));
    migrate(&options).await.unwrap();
    let store = Store::open(options.clone()).await.unwrap();
    let stream = AggregateId(Uuid::from_u128(1));
    let append = Append {
        aggregate_type: "user",
        aggregate_id: stream,
        expected: Version::NONE,
        events: vec![NewEvent {
            event_id: EventId(Uuid::from_u128(2)),
            event_type: "user.created",
            schema_version: 1,
            data: "{}".to_owned(),
            sealed: None,
        }],
        metadata: Metadata::default(),
        claims: ClaimChanges { taken: vec![ClaimKey(Uuid::from_u128(3))], ..ClaimChanges::default() },
        rows: Vec::new(),
        request: None,
    };
    let deadline = Deadline(Instant::now() + Duration::from_secs(10));
    let appended = store.append(append, deadline).await.unwrap();
    assert_eq!((appended.position, appended.version), (Position(1), Version(1)));
    store.close().await;

    let store = Store::open(options).await.unwrap();
    let page = store.events(&EventQuery::after(Position::START, 10)).await.unwrap();
    assert_eq!(page.events.len(), 1);
    assert_eq!(store.claim_owner(ClaimKey(Uuid::from_u128(3))).await.unwrap(), Some(stream));
}
