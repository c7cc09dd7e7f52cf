//! How tokens are loaded and written. Their events are open and few, so the state is the fold; a row in the vault, with the
//! hash of the secret, is there for as long as a token lives.

use std::sync::Arc;

use async_trait::async_trait;
use cqrs::{Aggregates, Change, Claim, Decider, Fault, Recorded, Written};
use eventstore::{AggregateId, ClaimKey, Derived, EventId, EventStore, NewEvent, RecordedEvent, Version};
use user_domain::{ApiToken, ApiTokenEvent, ApiTokenRefusal, ApiTokens, DecodeError};

use crate::Sources;
use crate::vault::{self, SecretHash, VaultRoot};

/// A token has two events.
const HISTORY_PAGE: u32 = 100;

/// What the command bus needs to know about tokens.
#[derive(Debug)]
pub struct TokenAggregates {
    store: Arc<dyn EventStore>,
    root: Arc<VaultRoot>,
    sources: Sources,
}

/// Whether the vault has the row of a token. One that lost it admits nobody, and can still be revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VaultRow {
    /// It is there.
    Kept,
    /// It is not, or not any more.
    Absent,
}

impl TokenAggregates {
    pub(super) fn new(store: Arc<dyn EventStore>, root: Arc<VaultRoot>, sources: Sources) -> Self {
        Self { store, root, sources }
    }

    async fn fold(&self, id: AggregateId, up_to: Version) -> Result<ApiToken, Fault> {
        let mut token = ApiToken::Absent;
        while ApiTokens::version(&token) < up_to {
            let page = self.store.stream(id, ApiTokens::version(&token), HISTORY_PAGE).await?;
            // A user has no token's events, and is none.
            let own = page.iter().filter(|event| is_of_token(event) && event.version <= up_to);
            let before = ApiTokens::version(&token);
            for event in own {
                let happened = decode_token_event(event).map_err(|error| Fault::Broken(error.into()))?;
                token = ApiTokens::evolve(token, &happened);
            }
            if ApiTokens::version(&token) == before {
                break;
            }
        }
        Ok(token)
    }
}

#[async_trait]
impl Aggregates<ApiTokens> for TokenAggregates {
    type Context = VaultRow;
    /// What a new token's secret is compared with.
    type Attachment = Option<SecretHash>;

    async fn load(&self, id: AggregateId) -> Result<(ApiToken, VaultRow), Fault> {
        let row = vault::token(&*self.store, id.0).await?;
        let row = row.map_or(VaultRow::Absent, |_| VaultRow::Kept);
        Ok((self.fold(id, Version(u64::MAX)).await?, row))
    }

    async fn load_at(&self, id: AggregateId, version: Version) -> Result<Option<ApiToken>, Fault> {
        self.fold(id, version).await.map(Some)
    }

    fn claim_key(&self, claim: &Claim) -> ClaimKey {
        self.root.claim_key(claim)
    }

    fn claim_taken(&self, _: &'static str) -> ApiTokenRefusal {
        ApiTokenRefusal::TokenExists
    }

    async fn write(
        &self,
        change: &Change<'_, ApiTokens>,
        row: &VaultRow,
        secret: &Option<SecretHash>,
    ) -> Result<Written, Fault> {
        let rows = match (change.after, row, secret) {
            (ApiToken::Live(token), VaultRow::Absent, Some(hash)) => vec![vault::insert_token(token, hash)],
            (ApiToken::Revoked { .. }, VaultRow::Kept, _) => vec![vault::delete_token()],
            (ApiToken::Revoked { .. }, VaultRow::Absent, _) => Vec::new(),
            (ApiToken::Live(_) | ApiToken::Absent, _, _) => {
                return Err(Fault::Broken("a token is written without its secret, or twice".into()));
            }
        };
        let events = change.events.iter().map(|recorded| self.encoded(&recorded.event)).collect();
        Ok(Written { events, rows, derived: Derived::Kept })
    }
}

impl TokenAggregates {
    fn encoded(&self, event: &ApiTokenEvent) -> NewEvent {
        NewEvent {
            event_id: EventId(self.sources.uuid()),
            event_type: event.event_type(),
            schema_version: event.schema_version(),
            data: event.encode(),
            sealed: None,
        }
    }
}

/// Whether an event is one of a token.
pub(crate) fn is_of_token(event: &RecordedEvent) -> bool {
    event.aggregate_type == ApiTokens::AGGREGATE_TYPE
}

/// What happened to a token.
pub(crate) fn decode_token_event(event: &RecordedEvent) -> Result<Recorded<ApiTokenEvent>, DecodeError> {
    Ok(Recorded {
        aggregate_id: event.aggregate_id,
        version: event.version,
        position: event.position,
        recorded_at: event.recorded_at,
        event: ApiTokenEvent::decode(&event.event_type, event.schema_version, &event.data)?,
    })
}
