//! How the personal part of an event is sealed: with its user's own key, for its place in the log alone.
//!
//! Beside the personal part stand the claims that the state after the event owns, with their scheme. So a later
//! normalisation is a new scope and not a false alarm, and claims can be checked against the log. Where the request came
//! from stands there too: it is about the person as much as what she changed.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use cqrs::Claim;
use eventstore::{AggregateId, ClaimKey, RecordedEvent, Version};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::cipher::{self, Key, Unreadable};
use super::{MasterKeyError, MasterKeyId, MasterKeys, Origin, Wrapped};
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

/// What is to be sealed.
#[derive(Clone, Copy)]
pub(crate) struct Contents<'a> {
    /// The personal part, as JSON; `None` for an event whose type has none.
    pub(crate) personal: Option<&'a str>,
    /// What the state after the event owns.
    pub(crate) claims: &'a [(Claim, ClaimKey)],
    /// The scopes in which it owns nothing from there on.
    pub(crate) forgone: &'a [&'static str],
    /// Where the request came from, if that is known.
    pub(crate) origin: Option<&'a Origin>,
}

/// What a sealed part says.
#[derive(Debug)]
pub struct Opened {
    /// The personal part, as JSON; `None` for an event whose type has none.
    pub personal: Option<Zeroizing<String>>,
    /// What the state after the event owns, by scope.
    pub claims: BTreeMap<String, ClaimKey>,
    /// The scopes in which it owns nothing from there on: what it would own is another's.
    pub forgone: BTreeSet<String>,
    /// Where the request came from; `None` when that was not known, or not recorded yet.
    pub origin: Option<Origin>,
}

/// The bytes of a sealed part. All but the claims was not always there: what is absent reads as nothing.
#[derive(Serialize, Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    personal: Option<&'a RawValue>,
    claims: BTreeMap<String, Uuid>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    forgone: BTreeSet<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    origin: Option<Cow<'a, Origin>>,
}

impl UserKey {
    /// A fresh key.
    pub(crate) fn generate(sources: &Sources) -> Self {
        Self(Key::new(sources.random()))
    }

    pub(crate) fn wrap(&self, keys: &MasterKeys, sources: &Sources, id: AggregateId) -> Wrapped {
        keys.wrap(sources, id.0.as_bytes(), &self.0)
    }

    /// The same with one of the master keys that do not wrap otherwise.
    pub(super) fn wrap_with(
        &self,
        keys: &MasterKeys,
        master: MasterKeyId,
        sources: &Sources,
        id: AggregateId,
    ) -> Option<Wrapped> {
        keys.wrap_with(master, sources, id.0.as_bytes(), &self.0)
    }

    pub(crate) fn unwrap(
        keys: &MasterKeys,
        id: AggregateId,
        wrapped: &Wrapped,
    ) -> Result<Self, MasterKeyError> {
        keys.unwrap(id.0.as_bytes(), wrapped).map(Self)
    }

    /// Seals what is personal about an event.
    pub(crate) fn seal(
        &self,
        sources: &Sources,
        place: Place<'_>,
        contents: Contents<'_>,
    ) -> Result<Vec<u8>, serde_json::Error> {
        let Contents { personal, claims, forgone, origin } = contents;
        let envelope = Envelope {
            personal: personal.map(serde_json::from_str).transpose()?,
            claims: claims.iter().map(|(claim, key)| (claim.scope.to_owned(), key.0)).collect(),
            forgone: forgone.iter().map(|scope| (*scope).to_owned()).collect(),
            origin: origin.map(Cow::Borrowed),
        };
        let plain = Zeroizing::new(serde_json::to_vec(&envelope)?);
        Ok(cipher::encrypt(&self.0, sources.random(), &place.bytes(), &plain))
    }

    /// Opens the sealed part of an event.
    pub fn open(&self, place: Place<'_>, sealed: &[u8]) -> Result<Opened, Unreadable> {
        let plain = cipher::decrypt(&self.0, &place.bytes(), sealed)?;
        let envelope: Envelope<'_> = serde_json::from_slice(&plain).map_err(|_| Unreadable)?;
        Ok(Opened {
            personal: envelope.personal.map(|personal| Zeroizing::new(personal.get().to_owned())),
            claims: envelope.claims.into_iter().map(|(scope, key)| (scope, ClaimKey(key))).collect(),
            forgone: envelope.forgone,
            origin: envelope.origin.map(Cow::into_owned),
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

    const EMAIL: &str = r#"{"email":"a@example.org"}"#;

    fn origin() -> Origin {
        Origin { source_address: Some("192.0.2.7".to_owned()), user_agent: Some("curl/8".to_owned()) }
    }

    #[test]
    fn a_sealed_part_is_read_in_its_own_place_only() {
        let (sources, claim) = (Sources::system(), ClaimKey(Uuid::from_u128(9)));
        let key = UserKey::generate(&sources);
        let claims = [(Claim { scope: "email.1", value: "a@example.org".to_owned() }, claim)];
        let forgone = ["username_look_alike.1"];
        let contents =
            Contents { personal: Some(EMAIL), claims: &claims, forgone: &forgone, origin: Some(&origin()) };
        let sealed = key.seal(&sources, PLACE, contents).expect("it is JSON");
        let opened = key.open(PLACE, &sealed).expect("it is its place");
        assert_eq!(opened.personal.as_deref().map(String::as_str), Some(EMAIL));
        assert_eq!(opened.claims, BTreeMap::from([("email.1".to_owned(), claim)]));
        assert_eq!(opened.forgone, BTreeSet::from(forgone.map(str::to_owned)));
        assert_eq!(opened.origin, Some(origin()));
        for elsewhere in [
            Place { version: Version(2), ..PLACE },
            Place { event_type: "user.email_changed", ..PLACE },
            Place { id: AggregateId(Uuid::from_u128(2)), ..PLACE },
            Place { schema_version: 2, ..PLACE },
        ] {
            assert_eq!(key.open(elsewhere, &sealed).err(), Some(Unreadable), "{elsewhere:?}");
        }
        let text = String::from_utf8_lossy(&sealed);
        assert!(!text.contains("example") && !text.contains("192.0.2.7") && !text.contains("curl"));
    }

    /// Bytes that stand in logs: what this says today must say the same for ever.
    fn written(plain: &str) -> Opened {
        let key = UserKey(Key::new([7; 32]));
        let sealed = cipher::encrypt(&key.0, [8; 12], &PLACE.bytes(), plain.as_bytes());
        key.open(PLACE, &sealed).expect("it was written for this place")
    }

    #[test]
    fn a_sealed_part_from_before_origins_still_opens() {
        let opened = written(
            r#"{"personal":{"email":"a@example.org"},"claims":{"email.1":"00000000-0000-0000-0000-000000000009"}}"#,
        );
        assert_eq!(opened.personal.as_deref().map(String::as_str), Some(EMAIL));
        assert_eq!(opened.claims, BTreeMap::from([("email.1".to_owned(), ClaimKey(Uuid::from_u128(9)))]));
        assert!(opened.origin.is_none() && opened.forgone.is_empty());
    }

    #[test]
    fn a_sealed_part_can_hold_an_origin_alone() {
        let opened =
            written(r#"{"claims":{},"origin":{"source_address":"192.0.2.7","user_agent":"curl/8"}}"#);
        assert!(opened.personal.is_none() && opened.claims.is_empty());
        assert_eq!(opened.origin, Some(origin()));
        let half = written(r#"{"claims":{},"origin":{"user_agent":"curl/8"}}"#);
        assert_eq!(half.origin, Some(Origin { source_address: None, ..origin() }));
    }
}
