//! From a row of the log to what happened: the sealed part is opened with the user's key, or is gone with it.

use cqrs::Recorded;
use eventstore::RecordedEvent;
use thiserror::Error;
use user_domain::{DecodeError, Personal, UserEvent};

use crate::vault::{Opened, Place, Unreadable, UserKey};

/// Why an event cannot be read. Wake someone: its key is there, or its type is not known.
#[derive(Debug, Error)]
pub enum HistoryError {
    /// See its cause.
    #[error("event {position} cannot be decoded")]
    Decode {
        /// Where it stands.
        position: u64,
        /// Why.
        #[source]
        source: DecodeError,
    },
    /// See its cause.
    #[error("event {position} cannot be unsealed")]
    Unseal {
        /// Where it stands.
        position: u64,
        /// Why.
        #[source]
        source: Unreadable,
    },
}

/// What happened. Without the key of the user, what is personal of it is gone.
pub fn decode(event: &RecordedEvent, key: Option<&UserKey>) -> Result<Recorded<UserEvent>, HistoryError> {
    happened(event, open(event, key)?.as_ref())
}

/// What happened, given its sealed part if that could be opened.
pub(crate) fn happened(
    event: &RecordedEvent,
    opened: Option<&Opened>,
) -> Result<Recorded<UserEvent>, HistoryError> {
    let personal = match (&event.sealed, opened) {
        (None, _) => Personal::None,
        (Some(_), None) => Personal::Erased,
        (Some(_), Some(opened)) => {
            // An event whose type has no personal part is sealed for its origin alone.
            opened.personal.as_ref().map_or(Personal::None, |personal| Personal::Present(personal))
        }
    };
    let happened = UserEvent::decode(&event.event_type, event.schema_version, &event.data, personal)
        .map_err(|source| HistoryError::Decode { position: event.position.0, source })?;
    Ok(Recorded {
        aggregate_id: event.aggregate_id,
        version: event.version,
        position: event.position,
        recorded_at: event.recorded_at,
        event: happened,
    })
}

/// The sealed part of an event, if it has one and the key to it is there.
pub(crate) fn open(event: &RecordedEvent, key: Option<&UserKey>) -> Result<Option<Opened>, HistoryError> {
    let (Some(sealed), Some(key)) = (&event.sealed, key) else { return Ok(None) };
    let opened = key.open(Place::of(event), sealed);
    opened.map(Some).map_err(|source| HistoryError::Unseal { position: event.position.0, source })
}
