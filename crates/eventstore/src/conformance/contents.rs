//! What an event carries comes back as it went in: the log never looks inside.

use uuid::Uuid;

use super::Fixture;
use super::scene::{creates, event, log, open, stream};
use crate::{EventStore, Metadata, NewEvent, Version};

pub async fn data_and_sealed_come_back_byte_for_byte<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    let long = format!("{{\"a\":\"{}\"}}", "x".repeat(64 * 1024));
    let texts = [" { \"b\" : 1.0, \"a\" : 1e3, \"a\" : [ ] }\n", "\"Zoë 🦆 \u{202e}\\u0000\"", "", &long];
    let sealed = [None, Some(Vec::new()), Some((0..=255).collect()), Some(vec![0xab; 64 * 1024])];
    let mut command = creates(1);
    command.0.events =
        texts.iter().zip(&sealed).map(|(text, sealed)| bare(text, sealed.as_deref())).collect();
    command.done(&*store).await;
    let events = log(&*store).await;
    assert_eq!(events.iter().map(|event| event.data.as_str()).collect::<Vec<_>>(), texts);
    assert_eq!(events.into_iter().map(|event| event.sealed).collect::<Vec<_>>(), sealed);
}

fn bare(data: &str, sealed: Option<&[u8]>) -> NewEvent {
    NewEvent { data: data.to_owned(), sealed: sealed.map(<[u8]>::to_vec), ..event("document.changed") }
}

pub async fn metadata_comes_back<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    let full = Metadata {
        actor: Some("service:ärger".to_owned()),
        request_id: Some(Uuid::from_u128(1)),
        correlation_id: Some(Uuid::from_u128(2)),
        causation_id: Some(Uuid::max()),
    };
    let mut command = creates(1);
    command.0.metadata = full.clone();
    command.done(&*store).await;
    creates(2).done(&*store).await;
    let found: Vec<_> = log(&*store).await.into_iter().map(|event| event.metadata).collect();
    assert_eq!(found, [full, Metadata::default()]);
}

pub async fn types_and_schema_versions_come_back<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    let made = NewEvent { schema_version: u16::MAX, ..event("book.lent") };
    creates(1).of_kind("book").with_event(made.clone()).done(&*store).await;
    let found = store.stream(stream(1), Version::NONE, 10).await.expect("the stream is read").remove(0);
    assert_eq!((found.aggregate_type.as_str(), found.event_type.as_str()), ("book", "book.lent"));
    assert_eq!((found.schema_version, found.event_id), (u16::MAX, made.event_id));
    assert_eq!((found.aggregate_id, found.version), (stream(1), Version(1)));
}
