//! An event before and after the log took it, and who caused it.
//!
//! The log never looks inside `data` or `sealed`: both are bytes that it gives back as it got them.

use jiff::Timestamp;
use uuid::Uuid;

use crate::{AggregateId, EventId, Position, Version};

/// An event that is to be appended. Its version and position are the log's business.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEvent {
    /// Made by the writer, unique for ever.
    pub event_id: EventId,
    /// `user.email_changed`: a fact in the past tense, with its kind of aggregate in front.
    pub event_type: &'static str,
    /// Which shape `data` and `sealed` have.
    pub schema_version: u16,
    /// Exact JSON text: its bytes can be hashed. Ids and enums only, nothing personal.
    pub data: String,
    /// The personal part, encrypted with the key of the person it is about.
    pub sealed: Option<Vec<u8>>,
}

/// Who caused an append, and as part of what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    /// The id of the caller that the service authenticated; never free text about a person.
    pub actor: Option<String>,
    /// The client's id of this command.
    pub request_id: Option<Uuid>,
    /// What belongs together across services.
    pub correlation_id: Option<Uuid>,
    /// The event or command that led to this one.
    pub causation_id: Option<Uuid>,
}

/// An event as the log holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedEvent {
    /// Its place in the log.
    pub position: Position,
    /// When the log took it: in whole microseconds, never backwards along positions.
    pub recorded_at: Timestamp,
    /// The kind of its stream.
    pub aggregate_type: String,
    /// Its stream.
    pub aggregate_id: AggregateId,
    /// Its place in its stream.
    pub version: Version,
    /// Its id.
    pub event_id: EventId,
    /// What happened.
    pub event_type: String,
    /// Which shape `data` and `sealed` have.
    pub schema_version: u16,
    /// The open part, byte for byte as it was appended.
    pub data: String,
    /// The sealed part, byte for byte as it was appended.
    pub sealed: Option<Vec<u8>>,
    /// Who caused it.
    pub metadata: Metadata,
}
