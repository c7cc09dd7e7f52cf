//! From rows of the log to what happened: each batch fetches the keys of the users in it, and lets go of them.

use std::collections::{BTreeMap, HashMap};
use std::error::Error as StdError;
use std::sync::Arc;

use async_trait::async_trait;
use cqrs::projection::{Decode, Undecodable};
use cqrs::{Fault, Recorded};
use eventstore::{AggregateId, ClaimKey, EventStore, ProjectionError, RecordedEvent, Row, Value};
use user_domain::UserEvent;

use crate::directory;
use crate::vault::{MasterKeyError, MasterKeyId, MasterKeys, USER_SECRET, UserKey, Wrapped};

/// Something that happened to a user.
#[derive(Clone, Debug)]
pub struct DecodedUserEvent {
    /// As the log holds it.
    pub raw: RecordedEvent,
    /// What it says. What was personal is gone if the user has been erased.
    pub happened: Recorded<UserEvent>,
    /// What the user owned after the command that the event is of, by scope. Empty for an event that is not sealed, and
    /// when its key is gone.
    pub claims: BTreeMap<String, ClaimKey>,
}

/// Reads events with the keys of the vault.
#[derive(Debug)]
pub struct UserDecoder {
    store: Arc<dyn EventStore>,
    keys: Arc<MasterKeys>,
}

/// The keys of the users of a batch. One that is there and does not unwrap is a defect; one that is missing is not.
type Keys = HashMap<AggregateId, Result<UserKey, MasterKeyError>>;

#[async_trait]
impl Decode<DecodedUserEvent> for UserDecoder {
    async fn decode(
        &self,
        events: &[RecordedEvent],
    ) -> Result<Vec<Result<DecodedUserEvent, Undecodable>>, Fault> {
        let keys = self.keys_of(events).await?;
        Ok(events.iter().map(|event| decoded(event, keys.get(&event.aggregate_id))).collect())
    }
}

impl UserDecoder {
    /// Reads the events of `store` with the keys of its vault.
    #[must_use]
    pub fn new(store: Arc<dyn EventStore>, keys: Arc<MasterKeys>) -> Self {
        Self { store, keys }
    }

    async fn keys_of(&self, events: &[RecordedEvent]) -> Result<Keys, Fault> {
        let sealed = events.iter().filter(|event| event.sealed.is_some());
        let mut users: Vec<_> = sealed.map(|event| event.aggregate_id).collect();
        users.sort_unstable();
        users.dedup();
        if users.is_empty() {
            return Ok(Keys::new());
        }
        let rows = self.store.projections().inline_rows(&USER_SECRET, &users).await.map_err(fault)?;
        rows.iter().map(|row| self.unwrapped(row)).collect()
    }

    fn unwrapped(&self, row: &Row) -> Result<(AggregateId, Result<UserKey, MasterKeyError>), Fault> {
        let [Value::Uuid(id), Value::SmallInt(key_id), Value::Bytes(bytes), ..] = &row[..] else {
            return Err(Fault::Broken("a row of user_secret does not fit its columns".into()));
        };
        let (id, wrapped) =
            (AggregateId(*id), Wrapped { key_id: MasterKeyId(*key_id), bytes: bytes.clone() });
        Ok((id, UserKey::unwrap(&self.keys, id, &wrapped)))
    }
}

fn decoded(
    event: &RecordedEvent,
    key: Option<&Result<UserKey, MasterKeyError>>,
) -> Result<DecodedUserEvent, Undecodable> {
    let key = key.map(Result::as_ref).transpose().map_err(|error| undecodable(error))?;
    let opened = directory::open(event, key).map_err(|error| undecodable(&error))?;
    let happened = directory::happened(event, opened.as_ref()).map_err(|error| undecodable(&error))?;
    let claims = opened.map(|opened| opened.claims).unwrap_or_default();
    Ok(DecodedUserEvent { raw: event.clone(), happened, claims })
}

/// None of these errors quotes what it met.
fn undecodable(error: &(dyn StdError + 'static)) -> Undecodable {
    let causes = std::iter::successors(Some(error), |error| StdError::source(*error));
    Undecodable(causes.map(ToString::to_string).collect::<Vec<_>>().join(": "))
}

fn fault(error: ProjectionError) -> Fault {
    match error {
        ProjectionError::Store(cause) => cause.into(),
        ProjectionError::Fenced
        | ProjectionError::Moved
        | ProjectionError::Missing
        | ProjectionError::Behind => Fault::Broken(error.into()),
    }
}
