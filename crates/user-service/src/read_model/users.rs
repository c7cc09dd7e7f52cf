//! The reads of users: by id, by what they claim, and page by page. Always from the store, never from a cache.

use eventstore::{AggregateId, ClaimKey, ColumnKind, EventStore, ReadError, Row, Select, Value};
use user_domain::{CredentialAlgorithm, CredentialState, LiveUser, PasswordHash, Status};
use uuid::Uuid;

use super::table::{self, corrupt};
use crate::vault::{MasterKeyId, Wrapped};

/// The kinds of the read model's columns, in their order, and of those behind them.
macro_rules! kinds {
    ($($more:ident),*) => {
        &[
            ColumnKind::Uuid, ColumnKind::Text, ColumnKind::Text, ColumnKind::Text, ColumnKind::Text,
            ColumnKind::Text, ColumnKind::Text, ColumnKind::SmallInt, ColumnKind::Time, ColumnKind::Time,
            ColumnKind::Time, ColumnKind::BigInt, ColumnKind::BigInt, $(ColumnKind::$more),*
        ]
    };
}
pub(super) use kinds;

macro_rules! columns {
    () => {
        "r.id, r.email, r.username, r.first_name, r.last_name, r.avatar_url, r.status, r.standing, r.created_at, \
         r.last_updated, r.deleted_at, r.version, r.position"
    };
}

pub const USER: &[ColumnKind; USER_COLUMNS] = kinds!();

/// How many columns of a row are the user's own.
pub const USER_COLUMNS: usize = 13;

static BY_ID: Select =
    Select { sql: concat!("SELECT ", columns!(), " FROM user_read_model r WHERE r.id = $1"), columns: USER };

/// How many ids one read takes. Both dialects take them as parameters only.
const IDS_AT_ONCE: usize = 50;

static BY_IDS: Select = Select {
    sql: concat!(
        "SELECT ",
        columns!(),
        " FROM user_read_model r WHERE r.id IN (\
         $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, \
         $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38, $39, $40, $41, $42, $43, $44, \
         $45, $46, $47, $48, $49, $50)"
    ),
    columns: USER,
};

static BY_CLAIM: Select = Select {
    sql: concat!(
        "SELECT ",
        columns!(),
        " FROM claims c JOIN user_read_model r ON r.id = c.aggregate_id WHERE c.key = $1"
    ),
    columns: USER,
};

static WITH_SECRET: Select = Select {
    sql: concat!(
        "SELECT ",
        columns!(),
        ", s.key_id, s.wrapped_key, s.credential_version, s.hash \
         FROM user_read_model r JOIN user_secret s ON s.user_id = r.id WHERE r.id = $1"
    ),
    columns: kinds!(SmallInt, Bytes, BigInt, Text),
};

/// The first rows of one status, by its index. By `status = …` PostgreSQL would rather walk through the primary key, which
/// has the order too, and pass by everybody with another status: through all of them, if there is none with this one.
macro_rules! newest_of {
    ($status:literal) => {
        concat!(
            "SELECT * FROM (SELECT * FROM user_read_model WHERE (status, id) < (",
            $status,
            ", $5) AND status >= ",
            $status,
            " ORDER BY status DESC, id DESC LIMIT $6) AS q"
        )
    };
}

/// However rare a status is, no more than a page of each is read.
static PAGE: Select = Select {
    sql: concat!(
        "SELECT ",
        columns!(),
        " FROM (",
        newest_of!("$1"),
        " UNION ALL ",
        newest_of!("$2"),
        " UNION ALL ",
        newest_of!("$3"),
        " UNION ALL ",
        newest_of!("$4"),
        ") AS r ORDER BY r.id DESC LIMIT $6"
    ),
    columns: USER,
};

/// Every read of this file, for the test that prepares each on both engines.
pub static STATEMENTS: &[&Select] = &[&BY_ID, &BY_IDS, &BY_CLAIM, &WITH_SECRET, &PAGE];

/// A user and the key that her events are sealed with.
#[derive(Debug)]
pub struct Loaded {
    /// The user.
    pub user: LiveUser,
    /// Her key, as it stands in the vault.
    pub key: Wrapped,
}

/// The user of an id.
pub async fn by_id(store: &dyn EventStore, id: Uuid) -> Result<Option<LiveUser>, ReadError> {
    first(store.select(&BY_ID, &[Value::Uuid(id)]).await?)
}

/// The users of these ids who are there, in no order.
pub async fn by_ids(store: &dyn EventStore, ids: &[Uuid]) -> Result<Vec<LiveUser>, ReadError> {
    let mut found = Vec::with_capacity(ids.len());
    for ids in ids.chunks(IDS_AT_ONCE) {
        // What is left over asks for nobody.
        let ids = ids.iter().copied().chain(std::iter::repeat(Uuid::nil())).take(IDS_AT_ONCE);
        let parameters: Vec<_> = ids.map(Value::Uuid).collect();
        for row in store.select(&BY_IDS, &parameters).await? {
            found.push(shown(row)?);
        }
    }
    Ok(found)
}

/// The row of an id as it stands, whether or not a user can be made of it.
pub(crate) async fn row(store: &dyn EventStore, id: Uuid) -> Result<Option<Row>, ReadError> {
    Ok(store.select(&BY_ID, &[Value::Uuid(id)]).await?.into_iter().next())
}

/// The user who owns a claim: an e-mail address, a username.
pub async fn by_claim(store: &dyn EventStore, key: ClaimKey) -> Result<Option<LiveUser>, ReadError> {
    first(store.select(&BY_CLAIM, &[Value::Uuid(key.0)]).await?)
}

/// What a command is decided on: the user, and the key to seal with, in one read.
pub async fn load(store: &dyn EventStore, id: AggregateId) -> Result<Option<Loaded>, ReadError> {
    let rows = store.select(&WITH_SECRET, &[Value::Uuid(id.0)]).await?;
    let Some(mut row) = rows.into_iter().next() else { return Ok(None) };
    let secret = row.split_off(USER_COLUMNS);
    let [Value::SmallInt(key_id), Value::Bytes(bytes), Value::BigInt(version), Value::Text(hash)] =
        &secret[..]
    else {
        return Err(corrupt());
    };
    let credential = CredentialState {
        version: u32::try_from(*version).map_err(|_| corrupt())?,
        algorithm: PasswordHash::parse("hash", hash).map_err(|_| corrupt())?.algorithm(),
    };
    let key = Wrapped { key_id: MasterKeyId(*key_id), bytes: bytes.clone() };
    Ok(Some(Loaded { user: table::user_of(row, credential)?, key }))
}

/// Users with one of the statuses, newest first, after an id.
pub async fn page(
    store: &dyn EventStore,
    statuses: &[Status],
    after: Option<Uuid>,
    limit: u32,
) -> Result<Vec<LiveUser>, ReadError> {
    let wanted = statuses.iter().map(|status| Value::Text(status.as_str().to_owned()));
    let mut parameters: Vec<_> = wanted.chain(std::iter::repeat(Value::Null)).take(4).collect();
    parameters.push(Value::Uuid(after.unwrap_or(Uuid::max())));
    parameters.push(Value::BigInt(limit.into()));
    store.select(&PAGE, &parameters).await?.into_iter().map(shown).collect()
}

fn first(rows: Vec<Row>) -> Result<Option<LiveUser>, ReadError> {
    rows.into_iter().next().map(shown).transpose()
}

/// A user as readers see her: what the vault knows of her password is none of their business.
pub(super) fn shown(row: Row) -> Result<LiveUser, ReadError> {
    table::user_of(row, CredentialState::first(CredentialAlgorithm::Argon2id))
}
