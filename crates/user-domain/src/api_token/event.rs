//! What can happen to a token, and how it stands in the log: one open JSON text, with a golden file for each type.

use jiff::Timestamp;
use serde::de::{Deserialize, Deserializer, Error};
use serde::ser::{Serialize, Serializer};
use serde::{Deserialize as FromJson, Serialize as ToJson};

use super::{Scopes, TokenName};
use crate::events::wire::{self, Wire};
use crate::{Change, DecodeError, Part};

const CREATED: &str = "api_token.created";
const REVOKED: &str = "api_token.revoked";

/// The version in which both are written.
const SCHEMA_VERSION: u16 = 1;

/// Something that happened to a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ApiTokenEvent {
    /// See [`ApiTokenCreated`].
    Created(ApiTokenCreated),
    /// See [`ApiTokenRevoked`].
    Revoked(ApiTokenRevoked),
}

/// A token was created.
#[derive(Clone, Debug, PartialEq, Eq, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
pub struct ApiTokenCreated {
    /// What an operator called it.
    #[serde(with = "wire")]
    pub name: TokenName,
    /// What it is for.
    #[serde(with = "wire")]
    pub scopes: Scopes,
    /// Until when it is valid; for ever if `None`.
    #[serde(with = "wire")]
    pub expires_at: Option<Timestamp>,
}

/// A token is good for nothing any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ToJson, FromJson)]
#[serde(deny_unknown_fields)]
pub struct ApiTokenRevoked {}

impl ApiTokenEvent {
    /// The name of every type of event, as the log has it.
    pub const TYPES: &'static [&'static str] = &[CREATED, REVOKED];

    /// The name of its type, as the log has it.
    #[must_use]
    pub fn event_type(&self) -> &'static str {
        match self {
            Self::Created(_) => CREATED,
            Self::Revoked(_) => REVOKED,
        }
    }

    /// The version in which `encode` writes it.
    #[must_use]
    pub fn schema_version(&self) -> u16 {
        match self {
            Self::Created(_) | Self::Revoked(_) => SCHEMA_VERSION,
        }
    }

    /// As the log takes it.
    #[must_use]
    pub fn encode(&self) -> String {
        let text = match self {
            Self::Created(event) => serde_json::to_string(event),
            Self::Revoked(event) => serde_json::to_string(event),
        };
        text.expect("it has text keys and no floats, and memory does not fail to be written")
    }

    /// Back from the log.
    pub fn decode(event_type: &str, schema_version: u16, data: &str) -> Result<Self, DecodeError> {
        match event_type {
            CREATED => read(CREATED, schema_version, data).map(Self::Created),
            REVOKED => read(REVOKED, schema_version, data).map(Self::Revoked),
            _ => Err(DecodeError::UnknownType { event_type: event_type.to_owned() }),
        }
    }

    /// What it changed, for people; never a secret.
    #[must_use]
    pub fn changes(&self) -> Vec<Change> {
        match self {
            Self::Created(ApiTokenCreated { name, scopes, expires_at }) => {
                let expires_at = expires_at.map(|time| time.to_string());
                let mut changes = vec![
                    Change::new("name", None, Some(name.as_str())),
                    Change::new("scopes", None, Some(&scopes.to_string())),
                ];
                changes.extend(expires_at.map(|time| Change::new("expires_at", None, Some(&time))));
                changes
            }
            Self::Revoked(ApiTokenRevoked {}) => Vec::new(),
        }
    }
}

fn read<'d, E: FromJson<'d>>(event_type: &'static str, found: u16, data: &'d str) -> Result<E, DecodeError> {
    if found > SCHEMA_VERSION {
        return Err(DecodeError::NewerVersion { event_type, found, known: SCHEMA_VERSION });
    }
    serde_json::from_str(data).map_err(|error| DecodeError::Malformed {
        event_type,
        found,
        part: Part::Open,
        column: error.column(),
    })
}

impl From<ApiTokenCreated> for ApiTokenEvent {
    fn from(event: ApiTokenCreated) -> Self {
        Self::Created(event)
    }
}

impl From<ApiTokenRevoked> for ApiTokenEvent {
    fn from(event: ApiTokenRevoked) -> Self {
        Self::Revoked(event)
    }
}

/// As RFC 3339 has it, or null.
impl Wire for Option<Timestamp> {
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.map(|time| time.to_string()).serialize(serializer)
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        let time = text.map(|text| text.parse()).transpose();
        time.map_err(|_| D::Error::custom("a time that no event was written with"))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::Scope;

    /// Billing may read and write.
    pub(in super::super) fn created() -> ApiTokenEvent {
        let scopes = [Scope::Read, Scope::Write].into_iter().collect();
        ApiTokenCreated { name: TokenName::from_stored("billing"), scopes, expires_at: None }.into()
    }

    #[test]
    fn what_is_shown_of_a_token_is_no_secret() {
        let expires_at = Timestamp::from_second(0).ok();
        let ApiTokenEvent::Created(created) = created() else { panic!("it is one") };
        let event = ApiTokenEvent::from(ApiTokenCreated { expires_at, ..created });
        let shown: Vec<_> = event.changes().into_iter().map(|change| (change.field, change.to)).collect();
        let to = |text: &str| Some(text.to_owned());
        assert_eq!(
            shown,
            [
                ("name", to("billing")),
                ("scopes", to("read write")),
                ("expires_at", to("1970-01-01T00:00:00Z"))
            ]
        );
    }

    #[test]
    fn what_a_newer_release_wrote_is_not_guessed_at() {
        let read = |event_type, version, data| ApiTokenEvent::decode(event_type, version, data);
        assert!(matches!(read(REVOKED, 2, "{}"), Err(DecodeError::NewerVersion { found: 2, .. })));
        assert!(matches!(read("api_token.renamed", 1, "{}"), Err(DecodeError::UnknownType { .. })));
        assert!(matches!(read(REVOKED, 1, "{\"by\":1}"), Err(DecodeError::Malformed { .. })));
    }
}
