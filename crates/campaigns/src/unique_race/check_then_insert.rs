//! The control: who owns a value is read first and written after the append, as the predecessor did it.

use async_trait::async_trait;
use eventstore::{
    AggregateId, Append, AppendError, Appended, ClaimChanges, Deadline, EventStore, ReadError, Rejection,
    Value,
};

use crate::sabotage::Sabotage;

const FORGET: &str = "DELETE FROM claims WHERE key = $1 AND aggregate_id = $2";

const NOTE: &str = "INSERT INTO claims (key, aggregate_id) VALUES ($1, $2) \
    ON CONFLICT (key) DO UPDATE SET aggregate_id = excluded.aggregate_id";

/// Claims are no part of the append.
#[derive(Debug)]
pub(super) struct CheckThenInsert;

#[async_trait]
impl Sabotage for CheckThenInsert {
    async fn append(
        &self,
        store: &dyn EventStore,
        mut append: Append,
        deadline: Deadline,
    ) -> Result<Appended, AppendError> {
        let (claims, id) = (std::mem::take(&mut append.claims), append.aggregate_id);
        for key in claims.wanted() {
            match store.claim_owner(key).await.map_err(|_| AppendError::StoreDown)? {
                Some(owner) if owner != id => return Err(Rejection::ClaimTaken { key, owner }.into()),
                Some(_) | None => {}
            }
        }
        let appended = store.append(append, deadline).await?;
        note(store, &claims, id).await.map_err(|_| AppendError::OutcomeUnknown)?;
        Ok(appended)
    }
}

async fn note(store: &dyn EventStore, claims: &ClaimChanges, id: AggregateId) -> Result<(), ReadError> {
    let given_up = claims.given_up().map(|key| (FORGET, key));
    for (statement, key) in given_up.chain(claims.wanted().map(|key| (NOTE, key))) {
        store.execute(statement, &[Value::Uuid(key.0), Value::Uuid(id.0)]).await?;
    }
    Ok(())
}
