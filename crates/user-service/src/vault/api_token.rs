//! One row per token that has not been revoked: what it is, so that a call is admitted by one read, and the hash of its
//! secret.
//!
//! The secret is 256 random bits, so one round of SHA-256 is enough: there is nothing to guess that a slow hash would
//! protect, and every call is checked.

use std::fmt;

use eventstore::{
    AggregateId, ColumnClass, ColumnKind, EventStore, InlineColumn, InlineTable, ReadError, RowChange,
    RowWrite, Select, Value,
};
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use user_domain::{LiveApiToken, Scopes, TokenName};
use uuid::Uuid;

/// The vault's table of tokens.
pub static API_TOKEN: InlineTable = InlineTable {
    name: "api_token",
    // It came with its kind of stream: whoever does not know it writes no such stream.
    generation: 0,
    version_column: None,
    columns: &[
        column("token_id", ColumnKind::Uuid, ColumnClass::Id),
        column("name", ColumnKind::Text, ColumnClass::Public),
        column("scopes", ColumnKind::Text, ColumnClass::Public),
        column("created_at", ColumnKind::Time, ColumnClass::Public),
        column("expires_at", ColumnKind::Time, ColumnClass::Public),
        column("secret_hash", ColumnKind::Bytes, ColumnClass::Sealed),
    ],
};

const fn column(name: &'static str, kind: ColumnKind, class: ColumnClass) -> InlineColumn {
    InlineColumn { name, kind, class, fixed: true }
}

static BY_ID: Select = Select {
    sql: "SELECT token_id, name, scopes, created_at, expires_at, secret_hash FROM api_token WHERE token_id = $1",
    columns: COLUMNS,
};

static PAGE: Select = Select {
    sql: "SELECT token_id, name, scopes, created_at, expires_at, secret_hash FROM api_token \
          WHERE token_id > $1 ORDER BY token_id LIMIT $2",
    columns: COLUMNS,
};

const COLUMNS: &[ColumnKind] = &[
    ColumnKind::Uuid,
    ColumnKind::Text,
    ColumnKind::Text,
    ColumnKind::Time,
    ColumnKind::Time,
    ColumnKind::Bytes,
];

/// Every statement of this file, for the test that prepares each on both engines.
pub(super) static STATEMENTS: &[&str] = &[BY_ID.sql, PAGE.sql];

/// How many tokens are read at once.
const PAGE_SIZE: i64 = 500;

/// What the secret of a token is compared with. It cannot be printed.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretHash([u8; 32]);

impl SecretHash {
    /// Of a secret.
    #[must_use]
    pub fn of(secret: &[u8; 32]) -> Self {
        Self(Sha256::digest(secret).into())
    }

    /// Whether this is the hash of a secret; takes the same time whichever byte differs.
    #[must_use]
    pub fn is_of(&self, secret: &[u8; 32]) -> bool {
        Self::of(secret).0.ct_eq(&self.0).into()
    }
}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash")
    }
}

/// A row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredToken {
    /// The token.
    pub id: Uuid,
    /// What an operator called it.
    pub name: TokenName,
    /// What it is for.
    pub scopes: Scopes,
    /// When it was created.
    pub created_at: Timestamp,
    /// Until when it is valid; for ever if `None`.
    pub expires_at: Option<Timestamp>,
    /// Of its secret.
    pub secret_hash: SecretHash,
}

/// A new token's row.
pub(crate) fn insert_token(token: &LiveApiToken, hash: &SecretHash) -> RowWrite {
    let row = vec![
        Value::Uuid(token.id.0),
        Value::Text(token.name.as_str().to_owned()),
        Value::Text(token.scopes.to_string()),
        Value::RecordedAt,
        token.expires_at.map_or(Value::Null, Value::Time),
        Value::Bytes(hash.0.to_vec()),
    ];
    RowWrite { table: &API_TOKEN, change: RowChange::Insert(row) }
}

/// No row: whoever shows the token is unknown.
pub(crate) fn delete_token() -> RowWrite {
    RowWrite { table: &API_TOKEN, change: RowChange::Delete }
}

/// A token that has not been revoked; it may have expired.
pub async fn token(store: &dyn EventStore, id: Uuid) -> Result<Option<StoredToken>, ReadError> {
    let rows = store.select(&BY_ID, &[Value::Uuid(id)]).await?;
    rows.first().map(|row| read(row)).transpose()
}

/// Every token that has not been revoked, oldest first: there are as many as an operator makes by hand.
pub async fn tokens(store: &dyn EventStore) -> Result<Vec<StoredToken>, ReadError> {
    let mut tokens: Vec<StoredToken> = Vec::new();
    loop {
        let after = tokens.last().map_or(Uuid::nil(), |token| token.id);
        let rows = store.select(&PAGE, &[Value::Uuid(after), Value::BigInt(PAGE_SIZE)]).await?;
        if rows.is_empty() {
            return Ok(tokens);
        }
        for row in &rows {
            tokens.push(read(row)?);
        }
    }
}

fn read(row: &[Value]) -> Result<StoredToken, ReadError> {
    let corrupt = || ReadError::Corrupt("a row of api_token does not fit its columns".to_owned());
    let [Value::Uuid(id), Value::Text(name), Value::Text(scopes), Value::Time(created_at), expires_at, hash] =
        row
    else {
        return Err(corrupt());
    };
    let expires_at = match expires_at {
        Value::Time(time) => Some(*time),
        Value::Null => None,
        Value::Uuid(_)
        | Value::SmallInt(_)
        | Value::BigInt(_)
        | Value::Text(_)
        | Value::Bytes(_)
        | Value::RecordedAt
        | Value::LastPosition => return Err(corrupt()),
    };
    let Value::Bytes(hash) = hash else { return Err(corrupt()) };
    Ok(StoredToken {
        id: *id,
        name: TokenName::from_stored(name),
        scopes: Scopes::parse(scopes).ok_or_else(corrupt)?,
        created_at: *created_at,
        expires_at,
        secret_hash: SecretHash(hash.as_slice().try_into().map_err(|_| corrupt())?),
    })
}

impl StoredToken {
    /// Whether the row is what the events make of the token, but for the hash, which no event knows.
    #[must_use]
    pub fn is(&self, token: &LiveApiToken) -> bool {
        let LiveApiToken { id, name, scopes, expires_at, created_at, version: _ } = token;
        AggregateId(self.id) == *id
            && self.name == *name
            && self.scopes == *scopes
            && self.expires_at == *expires_at
            && self.created_at == *created_at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_of_one_secret_and_is_not_shown() {
        let hash = SecretHash::of(&[7; 32]);
        assert!(hash.is_of(&[7; 32]));
        for byte in 0..32 {
            let mut other = [7; 32];
            other[byte] ^= 1;
            assert!(!hash.is_of(&other), "byte {byte} counts");
        }
        assert_eq!(format!("{hash:?}"), "SecretHash");
    }
}
