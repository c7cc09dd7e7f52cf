//! One row per live user: the wrapped key that her events are sealed with, and her password's hash.
//!
//! Written in the append's transaction. When the row goes, everything personal in her events is unreadable for good.

use std::collections::HashMap;

use eventstore::{
    AggregateId, ClaimKey, ColumnClass, ColumnKind, EventStore, InlineColumn, InlineTable, ProjectionError,
    ReadError, Row, RowChange, RowWrite, Select, Value,
};
use user_domain::{PasswordHash, Status};
use uuid::Uuid;

use super::{MasterKeyId, Wrapped};

/// The vault's table of users' secrets.
pub static USER_SECRET: InlineTable = InlineTable {
    name: "user_secret",
    generation: 1,
    version_column: None,
    columns: &[
        column("user_id", ColumnKind::Uuid, ColumnClass::Id, true),
        column("key_id", ColumnKind::SmallInt, ColumnClass::Public, true),
        column("wrapped_key", ColumnKind::Bytes, ColumnClass::Sealed, true),
        column("credential_version", ColumnKind::BigInt, ColumnClass::Public, false),
        column("hash", ColumnKind::Text, ColumnClass::Sealed, false),
        column("changed_at", ColumnKind::Time, ColumnClass::Public, false),
    ],
};

const fn column(name: &'static str, kind: ColumnKind, class: ColumnClass, fixed: bool) -> InlineColumn {
    InlineColumn { name, kind, class, fixed }
}

static KEY: Select = Select {
    sql: "SELECT key_id, wrapped_key FROM user_secret WHERE user_id = $1",
    columns: &[ColumnKind::SmallInt, ColumnKind::Bytes],
};

static CREDENTIAL: Select = Select {
    sql: "SELECT credential_version, hash FROM user_secret WHERE user_id = $1",
    columns: &[ColumnKind::BigInt, ColumnKind::Text],
};

static LOGIN_BY_ID: Select = Select {
    sql: "SELECT r.id, r.status, s.credential_version, s.hash \
          FROM user_read_model r JOIN user_secret s ON s.user_id = r.id WHERE r.id = $1",
    columns: LOGIN,
};

static LOGIN_BY_CLAIM: Select = Select {
    sql: "SELECT r.id, r.status, s.credential_version, s.hash \
          FROM claims c JOIN user_read_model r ON r.id = c.aggregate_id JOIN user_secret s ON s.user_id = r.id \
          WHERE c.key = $1",
    columns: LOGIN,
};

const LOGIN: &[ColumnKind] = &[ColumnKind::Uuid, ColumnKind::Text, ColumnKind::BigInt, ColumnKind::Text];

static REPLACE_HASH: &str =
    "UPDATE user_secret SET hash = $1 WHERE user_id = $2 AND credential_version = $3 AND hash = $4";

/// Every statement of this file, for the test that prepares each on both engines.
pub(super) static STATEMENTS: &[&str] =
    &[KEY.sql, CREDENTIAL.sql, LOGIN_BY_ID.sql, LOGIN_BY_CLAIM.sql, REPLACE_HASH];

/// What the password of a user is verified against.
#[derive(Debug)]
pub struct StoredCredential {
    /// Counts her passwords.
    pub version: u32,
    /// The hash; it cannot be printed.
    pub hash: PasswordHash,
}

/// What a login is decided on, all of one moment.
#[derive(Debug)]
pub struct Login {
    /// Who.
    pub id: Uuid,
    /// Whether she may.
    pub status: Status,
    /// With what.
    pub credential: StoredCredential,
}

/// A new user's row.
pub(crate) fn insert(id: AggregateId, key: Wrapped, version: u32, hash: &PasswordHash) -> RowWrite {
    let row = vec![
        Value::Uuid(id.0),
        Value::SmallInt(key.key_id.0),
        Value::Bytes(key.bytes),
        Value::BigInt(version.into()),
        Value::Text(hash.expose().to_owned()),
        Value::RecordedAt,
    ];
    RowWrite { table: &USER_SECRET, change: RowChange::Insert(row) }
}

/// The row with another password; the key stays.
pub(crate) fn update(id: AggregateId, version: u32, hash: &PasswordHash) -> RowWrite {
    let row = vec![
        Value::Uuid(id.0),
        Value::BigInt(version.into()),
        Value::Text(hash.expose().to_owned()),
        Value::RecordedAt,
    ];
    RowWrite { table: &USER_SECRET, change: RowChange::Update(row) }
}

/// No row, and no key.
pub(crate) fn delete() -> RowWrite {
    RowWrite { table: &USER_SECRET, change: RowChange::Delete }
}

/// The wrapped key of a user; `None` when she does not exist or has been erased.
pub async fn key(store: &dyn EventStore, id: AggregateId) -> Result<Option<Wrapped>, ReadError> {
    let rows = store.select(&KEY, &[Value::Uuid(id.0)]).await?;
    match rows.into_iter().next().as_deref() {
        None => Ok(None),
        Some([Value::SmallInt(key_id), Value::Bytes(bytes)]) => {
            Ok(Some(Wrapped { key_id: MasterKeyId(*key_id), bytes: bytes.clone() }))
        }
        Some(_) => Err(corrupt()),
    }
}

/// The wrapped keys of several users, in one read. Whoever does not exist or has been erased has none.
pub async fn keys(
    store: &dyn EventStore,
    ids: &[AggregateId],
) -> Result<HashMap<AggregateId, Wrapped>, ReadError> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = store.projections().inline_rows(&USER_SECRET, ids).await.map_err(|error| match error {
        ProjectionError::Store(cause) => cause,
        ProjectionError::Fenced
        | ProjectionError::Moved
        | ProjectionError::Missing
        | ProjectionError::Behind => ReadError::Malformed(Box::new(error)),
    })?;
    let key = |row: Row| match row.as_slice() {
        [Value::Uuid(id), Value::SmallInt(key_id), Value::Bytes(bytes), ..] => {
            let wrapped = Wrapped { key_id: MasterKeyId(*key_id), bytes: bytes.clone() };
            Ok((AggregateId(*id), wrapped))
        }
        _ => Err(corrupt()),
    };
    rows.into_iter().map(key).collect()
}

/// The credential of a user; `None` when she does not exist or has been erased.
pub async fn credential(store: &dyn EventStore, id: Uuid) -> Result<Option<StoredCredential>, ReadError> {
    let rows = store.select(&CREDENTIAL, &[Value::Uuid(id)]).await?;
    match rows.into_iter().next().as_deref() {
        None => Ok(None),
        Some([Value::BigInt(version), Value::Text(hash)]) => stored(*version, hash).map(Some),
        Some(_) => Err(corrupt()),
    }
}

/// What the login of a user is decided on, in one read: her standing and her credential are of the same moment.
pub async fn login(store: &dyn EventStore, user: LoginBy) -> Result<Option<Login>, ReadError> {
    let (query, key) = match user {
        LoginBy::Id(id) => (&LOGIN_BY_ID, id),
        LoginBy::Claim(key) => (&LOGIN_BY_CLAIM, key.0),
    };
    let rows = store.select(query, &[Value::Uuid(key)]).await?;
    match rows.into_iter().next().as_deref() {
        None => Ok(None),
        Some([Value::Uuid(id), Value::Text(status), Value::BigInt(version), Value::Text(hash)]) => {
            let status = Status::parse(status).ok_or_else(corrupt)?;
            Ok(Some(Login { id: *id, status, credential: stored(*version, hash)? }))
        }
        Some(_) => Err(corrupt()),
    }
}

/// One way to find out who logs in.
#[derive(Clone, Copy, Debug)]
pub enum LoginBy {
    /// By her id.
    Id(Uuid),
    /// By what she alone owns.
    Claim(ClaimKey),
}

fn stored(version: i64, hash: &str) -> Result<StoredCredential, ReadError> {
    let version = u32::try_from(version).map_err(|_| corrupt())?;
    let hash = PasswordHash::parse("hash", hash).map_err(|_| corrupt())?;
    Ok(StoredCredential { version, hash })
}

/// Replaces a hash by a stronger one of the same password, if it is still the same hash. No event: nothing happened
/// that anybody could want to know. If a failover forgets it, the next login does it again.
pub async fn replace_hash(
    store: &dyn EventStore,
    id: Uuid,
    old: &StoredCredential,
    new: &PasswordHash,
) -> Result<(), ReadError> {
    let parameters = [
        Value::Text(new.expose().to_owned()),
        Value::Uuid(id),
        Value::BigInt(old.version.into()),
        Value::Text(old.hash.expose().to_owned()),
    ];
    store.note(REPLACE_HASH, &parameters).await.map(|_| ())
}

fn corrupt() -> ReadError {
    ReadError::Corrupt("a row of user_secret does not fit its columns".to_owned())
}
