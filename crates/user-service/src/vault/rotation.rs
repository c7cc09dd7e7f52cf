//! Rotating the master key: the root and every user's key are wrapped anew, some at a time, while the service goes on.
//!
//! What a key opens does not change, so readers notice nothing who have both master keys. Only rows that are there are
//! touched: whoever is erased meanwhile stays erased. Begun again, it does what is left.

use std::collections::BTreeMap;

use eventstore::{AggregateId, ColumnKind, EventStore, ReadError, Select, Value};
use thiserror::Error;
use uuid::Uuid;

use super::root::{self, VaultRoot};
use super::{MasterKeyError, MasterKeyId, MasterKeys, UserKey, Wrapped};
use crate::Sources;

const PAGE: i64 = 500;

static WRAPPED: Select = Select {
    sql: "SELECT user_id, key_id, wrapped_key FROM user_secret WHERE user_id > $1 ORDER BY user_id LIMIT $2",
    columns: &[ColumnKind::Uuid, ColumnKind::SmallInt, ColumnKind::Bytes],
};

/// So many in one statement, which is one commit.
const AT_ONCE: usize = 8;

/// A key that has been wrapped by the new master key meanwhile is left alone.
static REWRAP: &str = "UPDATE user_secret SET key_id = $1, wrapped_key = CASE user_id \
     WHEN $2 THEN $3 WHEN $4 THEN $5 WHEN $6 THEN $7 WHEN $8 THEN $9 \
     WHEN $10 THEN $11 WHEN $12 THEN $13 WHEN $14 THEN $15 WHEN $16 THEN $17 ELSE wrapped_key END \
     WHERE key_id <> $1 AND user_id IN ($2, $4, $6, $8, $10, $12, $14, $16)";

/// Every statement of this file, for the test that prepares each on both engines.
pub(super) static STATEMENTS: &[&str] = &[WRAPPED.sql, REWRAP];

/// Why nothing more was wrapped anew. What has been, is.
#[derive(Debug, Error)]
pub enum RotationError {
    /// See its cause.
    #[error("the vault cannot be read or written")]
    Store(#[from] ReadError),
    /// Nothing has ever been served from this store, or its vault is lost.
    #[error("the vault is empty")]
    Missing,
    /// Give it to every instance as an older one first: they read with it what is wrapped with it from now on.
    #[error(
        "the master key {0} has not been given to this service: hand it to every instance first \
         (--old-master-keys-file), or they cannot read what is wrapped with it"
    )]
    NotGiven(MasterKeyId),
    /// The root is under a key that was not given, or is damaged.
    #[error("the root of the vault does not open")]
    Root(#[source] MasterKeyError),
}

/// How the keys of a store are wrapped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrapping {
    /// Which master key the root is under.
    pub root: MasterKeyId,
    /// How many users' keys are under which.
    pub users: BTreeMap<MasterKeyId, u64>,
}

/// What a step of a rotation has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// After whom to go on; `None` at the end.
    pub next: Option<AggregateId>,
    /// Users it has looked at.
    pub looked_at: u64,
    /// Users whose keys were wrapped anew.
    pub rewrapped: u64,
    /// Users whose keys no given master key opens. They are as they were.
    pub unreadable: u64,
}

/// Counts.
pub async fn wrapping(store: &dyn EventStore) -> Result<Wrapping, RotationError> {
    let root = root::find(store).await?.ok_or(RotationError::Missing)?.key_id;
    let (mut users, mut after) = (BTreeMap::new(), AggregateId(Uuid::nil()));
    loop {
        let page = page(store, after).await?;
        let Some((last, _)) = page.last() else { return Ok(Wrapping { root, users }) };
        after = *last;
        for (_, wrapped) in &page {
            *users.entry(wrapped.key_id).or_default() += 1;
        }
    }
}

/// Wraps the root with a master key, and some users' keys after the one that the step before ended with.
pub async fn rotate_some(
    store: &dyn EventStore,
    keys: &MasterKeys,
    sources: &Sources,
    to: MasterKeyId,
    after: Option<AggregateId>,
) -> Result<Step, RotationError> {
    if !keys.knows(to) {
        return Err(RotationError::NotGiven(to));
    }
    if after.is_none() {
        VaultRoot::rewrap(store, keys, sources, to).await?;
    }
    let page = page(store, after.unwrap_or(AggregateId(Uuid::nil()))).await?;
    let mut step =
        Step { next: page.last().map(|(id, _)| *id), looked_at: page.len() as u64, ..Step::default() };
    let mut anew = Vec::new();
    for (id, wrapped) in page.iter().filter(|(_, wrapped)| wrapped.key_id != to) {
        match UserKey::unwrap(keys, *id, wrapped) {
            Ok(key) => anew.extend(key.wrap_with(keys, to, sources, *id).map(|anew| (*id, anew))),
            Err(MasterKeyError::Unknown | MasterKeyError::Unreadable(_) | MasterKeyError::Malformed) => {
                step.unreadable += 1;
            }
        }
    }
    for some in anew.chunks(AT_ONCE) {
        step.rewrapped += store.execute(REWRAP, &parameters(to, some)).await?;
    }
    Ok(step)
}

/// The statement has room for a certain number: the last fills what is left.
fn parameters(to: MasterKeyId, some: &[(AggregateId, Wrapped)]) -> Vec<Value> {
    let filled = some.iter().chain(some.last().into_iter().cycle()).take(AT_ONCE);
    let pairs = filled.flat_map(|(id, anew)| [Value::Uuid(id.0), Value::Bytes(anew.bytes.clone())]);
    std::iter::once(Value::SmallInt(to.0)).chain(pairs).collect()
}

async fn page(store: &dyn EventStore, after: AggregateId) -> Result<Vec<(AggregateId, Wrapped)>, ReadError> {
    let rows = store.select(&WRAPPED, &[Value::Uuid(after.0), Value::BigInt(PAGE)]).await?;
    let wrapped = rows.into_iter().map(|row| match row.as_slice() {
        [Value::Uuid(id), Value::SmallInt(key_id), Value::Bytes(bytes)] => {
            Ok((AggregateId(*id), Wrapped { key_id: MasterKeyId(*key_id), bytes: bytes.clone() }))
        }
        _ => Err(ReadError::Corrupt("a row of user_secret does not fit its columns".to_owned())),
    });
    wrapped.collect()
}
