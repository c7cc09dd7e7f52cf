//! What a token is after its events.

use cqrs::Recorded;
use eventstore::{AggregateId, Version};
use jiff::Timestamp;

use super::{ApiTokenCreated, ApiTokenEvent, ApiTokenRevoked, Scopes, TokenName};

/// A token, as its events make it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ApiToken {
    /// It was never created.
    #[default]
    Absent,
    /// It was created and not revoked. It may have expired: that is nothing that happens, and no event.
    Live(LiveApiToken),
    /// It is good for nothing.
    Revoked {
        /// Of its last event.
        version: Version,
    },
}

/// A token that was not revoked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveApiToken {
    /// The stream.
    pub id: AggregateId,
    /// What an operator called it.
    pub name: TokenName,
    /// What it is for.
    pub scopes: Scopes,
    /// Until when it is valid; for ever if `None`.
    pub expires_at: Option<Timestamp>,
    /// When it was created.
    pub created_at: Timestamp,
    /// Of its last event.
    pub version: Version,
}

/// Each event says all that there is to say: nothing is left of what was before.
pub(super) fn evolve(recorded: &Recorded<ApiTokenEvent>) -> ApiToken {
    match &recorded.event {
        ApiTokenEvent::Created(ApiTokenCreated { name, scopes, expires_at }) => {
            ApiToken::Live(LiveApiToken {
                id: recorded.aggregate_id,
                name: name.clone(),
                scopes: *scopes,
                expires_at: *expires_at,
                created_at: recorded.recorded_at,
                version: recorded.version,
            })
        }
        ApiTokenEvent::Revoked(ApiTokenRevoked {}) => ApiToken::Revoked { version: recorded.version },
    }
}

impl ApiToken {
    pub(super) fn version(&self) -> Version {
        match self {
            Self::Absent => Version::NONE,
            Self::Live(token) => token.version,
            Self::Revoked { version } => *version,
        }
    }
}
