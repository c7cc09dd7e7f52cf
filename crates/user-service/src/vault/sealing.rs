//! How the personal part of an event is sealed: with its user's own key, for its place in the log alone.
//!
//! Beside the personal part stand the claims that the state after the event owns, with their scheme. So a later
//! normalisation is a new scope and not a false alarm, and claims can be checked against the log.

use std::collections::BTreeMap;

use cqrs::Claim;
use eventstore::{AggregateId, ClaimKey, RecordedEvent, Version};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::cipher::{self, Key, Unreadable};
use super::{MasterKeyError, MasterKeys, Wrapped};
use crate::Sources;

/// A user's own key, unwrapped: it lives for one request or batch.
pub struct UserKey(Key);

/// Where a sealed part stands; authenticated with it.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The user.
    pub id: AggregateId,
    /// The event's version.
    pub version: Version,
    /// The event's type.
    pub event_type: &'a str,
    /// The event's schema version.
    pub schema_version: u16,
}

/// What a sealed part says.
#[derive(Debug)]
pub struct Opened {
    /// The personal part, as JSON.
    pub personal: Zeroizing<String>,
    /// What the state after the event owns, by scope.
    pub claims: BTreeMap<String, ClaimKey>,
}

#[derive(Serialize, Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    personal: &'a RawValue,
    claims: BTreeMap<String, Uuid>,
}

impl UserKey {
    /// A fresh key.
    pub(crate) fn generate(sources: &Sources) -> Self {
        Self(Key::new(sources.random()))
    }

    pub(crate) fn wrap(&self, keys: &MasterKeys, sources: &Sources, id: AggregateId) -> Wrapped {
        keys.wrap(sources, id.0.as_bytes(), &self.0)
    }

    pub(crate) fn unwrap(
        keys: &MasterKeys,
        id: AggregateId,
        wrapped: &Wrapped,
    ) -> Result<Self, MasterKeyError> {
        keys.unwrap(id.0.as_bytes(), wrapped).map(Self)
    }

    /// Seals the personal part of an event, given as JSON.
    pub(crate) fn seal(
        &self,
        sources: &Sources,
        place: Place<'_>,
        personal: &str,
        claims: &[(Claim, ClaimKey)],
    ) -> Result<Vec<u8>, serde_json::Error> {
        let claims = claims.iter().map(|(claim, key)| (claim.scope.to_owned(), key.0)).collect();
        let envelope = Envelope { personal: serde_json::from_str(personal)?, claims };
        let plain = Zeroizing::new(serde_json::to_vec(&envelope)?);
        Ok(cipher::encrypt(&self.0, sources.random(), &place.bytes(), &plain))
    }

    /// Opens the sealed part of an event.
    pub fn open(&self, place: Place<'_>, sealed: &[u8]) -> Result<Opened, Unreadable> {
        let plain = cipher::decrypt(&self.0, &place.bytes(), sealed)?;
        let envelope: Envelope<'_> = serde_json::from_slice(&plain).map_err(|_| Unreadable)?;
        Ok(Opened {
            personal: Zeroizing::new(envelope.personal.get().to_owned()),
            claims: envelope.claims.into_iter().map(|(scope, key)| (scope, ClaimKey(key))).collect(),
        })
    }
}

impl std::fmt::Debug for UserKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("UserKey")
    }
}

impl<'a> Place<'a> {
    /// The place of an event in the log.
    #[must_use]
    pub fn of(event: &'a RecordedEvent) -> Self {
        Self {
            id: event.aggregate_id,
            version: event.version,
            event_type: &event.event_type,
            schema_version: event.schema_version,
        }
    }

    /// Fixed lengths first, the type last: no two places give the same bytes.
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(26 + self.event_type.len());
        bytes.extend_from_slice(self.id.0.as_bytes());
        bytes.extend_from_slice(&self.version.0.to_be_bytes());
        bytes.extend_from_slice(&self.schema_version.to_be_bytes());
        bytes.extend_from_slice(self.event_type.as_bytes());
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place<'_> = Place {
        id: AggregateId(Uuid::from_u128(1)),
        version: Version(1),
        event_type: "user.created",
        schema_version: 1,
    };

    #[test]
    fn a_sealed_part_is_read_in_its_own_place_only() {
        let (sources, claim) = (Sources::system(), ClaimKey(Uuid::from_u128(9)));
        let key = UserKey::generate(&sources);
        let claims = [(Claim { scope: "email.1", value: "a@example.org".to_owned() }, claim)];
        let sealed = key.seal(&sources, PLACE, r#"{"email":"a@example.org"}"#, &claims).expect("it is JSON");
        let opened = key.open(PLACE, &sealed).expect("it is its place");
        assert_eq!(opened.personal.as_str(), r#"{"email":"a@example.org"}"#);
        assert_eq!(opened.claims, BTreeMap::from([("email.1".to_owned(), claim)]));
        for elsewhere in [
            Place { version: Version(2), ..PLACE },
            Place { event_type: "user.email_changed", ..PLACE },
            Place { id: AggregateId(Uuid::from_u128(2)), ..PLACE },
            Place { schema_version: 2, ..PLACE },
        ] {
            assert_eq!(key.open(elsewhere, &sealed).err(), Some(Unreadable), "{elsewhere:?}");
        }
        assert!(!String::from_utf8_lossy(&sealed).contains("example"));
    }
}
