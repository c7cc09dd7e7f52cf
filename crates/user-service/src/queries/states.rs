//! The reads of `user_history`: the directory at any position that the projection has come to.
//!
//! A state holds at P if it began by then and had not ended.

use eventstore::{
    AggregateId, ClaimKey, ColumnKind, EventStore, Position, ReadError, Row, Select, Value, Version,
};
use jiff::Timestamp;
use user_domain::{CredentialAlgorithm, CredentialState, ErasedUser, Status, User};
use uuid::Uuid;

use super::{Owned, Past};
use crate::read_model::{USER, USER_COLUMNS, user_of};

/// A user as the read model has her, and from where on she was so: the columns of a state.
macro_rules! columns {
    ($of:literal) => {
        concat!(
            columns!($of: "id"), ", ", columns!($of: "email"), ", ", columns!($of: "username"), ", ",
            columns!($of: "first_name"), ", ", columns!($of: "last_name"), ", ", columns!($of: "avatar_url"), ", ",
            columns!($of: "status"), ", ", columns!($of: "standing"), ", ", columns!($of: "created_at"), ", ",
            columns!($of: "last_updated"), ", ", columns!($of: "deleted_at"), ", ", columns!($of: "version"), ", ",
            columns!($of: "from_position")
        )
    };
    ($of:literal : $name:literal) => { concat!($of, ".", $name) };
}

/// How many they are.
const STATE_COLUMNS: usize = USER_COLUMNS;

/// Their kinds, so many times, after those of other columns.
const fn kinds<const N: usize>(before: usize) -> [ColumnKind; N] {
    let mut kinds = [ColumnKind::BigInt; N];
    let mut n = before;
    while n < N {
        kinds[n] = USER[(n - before) % STATE_COLUMNS];
        n += 1;
    }
    kinds
}

/// Who owned a claim: at any moment one user did, or nobody.
macro_rules! owner {
    ($claim:literal) => {
        Select {
            sql: concat!(
                "SELECT ",
                columns!("h"),
                " FROM (SELECT * FROM user_history WHERE ",
                $claim,
                " = $1 AND from_position <= $2 ORDER BY from_position DESC LIMIT 1) AS h WHERE h.to_position > $2"
            ),
            columns: &kinds::<STATE_COLUMNS>(0),
        }
    };
}

static BY_EMAIL: Select = owner!("email_claim");
static BY_USERNAME: Select = owner!("username_claim");

/// The newest of all who were there at $1 and were created before $2, whatever they were like. The entries of one user stand
/// side by side, so hers at $1 costs one look, however early that was and whatever has become of her since.
static EVERYBODY: Select = Select {
    sql: concat!(
        "SELECT c.created_position, ",
        columns!("s"),
        " FROM user_history c JOIN user_history s ON s.id = c.id \
         WHERE c.version = 1 AND c.created_position < $2 AND s.from_position <= $1 AND s.to_position > $1 \
         ORDER BY c.created_position DESC LIMIT $3"
    ),
    columns: &kinds::<{ 1 + STATE_COLUMNS }>(1),
};

/// Those with such ids who were there at $2, erased since or not.
macro_rules! of_id {
    ($which:literal) => {
        Select {
            sql: concat!(
                "SELECT ",
                columns!("h"),
                " FROM user_history h WHERE ",
                $which,
                " AND h.from_position <= $2 AND h.to_position > $2 AND h.status <> 'erased' ORDER BY h.id LIMIT $3"
            ),
            columns: &kinds::<STATE_COLUMNS>(0),
        }
    };
}

static AFTER_ID: Select = of_id!("h.id > $1");
static OF_ID: Select = of_id!("h.id = $1");

/// The newest who were like this at $1, created before $2 and not before $3. `k` is looked through by its index alone, as
/// far as the engine can; `s` is the same state as a whole, of those only that held then.
macro_rules! like {
    ($condition:literal) => {
        concat!(
            "SELECT * FROM (SELECT k.created_position, ",
            columns!("s"),
            " FROM user_history k JOIN user_history s ON s.id = k.id AND s.version = k.version WHERE ",
            $condition,
            " AND k.created_position < $2 AND k.created_position >= $3 AND k.from_position <= $1 AND k.to_position > $1 \
             ORDER BY k.created_position DESC LIMIT $4) AS q"
        )
    };
}

static PAGE: Select = Select {
    sql: concat!(
        "SELECT r.created_position, ",
        columns!("r"),
        " FROM (",
        like!("k.status = $5 AND s.email IS NOT NULL"),
        " UNION ALL ",
        like!("k.status = $6 AND s.email IS NOT NULL"),
        " UNION ALL ",
        like!("k.status = $7 AND s.email IS NOT NULL"),
        " UNION ALL ",
        like!("k.status = $8 AND s.email IS NOT NULL"),
        " UNION ALL ",
        like!("k.email IS NULL AND CAST($9 AS bigint) = 1"),
        ") AS r ORDER BY r.created_position DESC LIMIT $4"
    ),
    columns: &kinds::<{ 1 + STATE_COLUMNS }>(1),
};

/// Where the newest of those who were ever like this was created, of those before $2.
macro_rules! newest_like {
    ($condition:literal) => {
        concat!(
            "SELECT * FROM (SELECT created_position FROM user_history WHERE ",
            $condition,
            " AND created_position < $2 ORDER BY created_position DESC LIMIT 1) AS q"
        )
    };
}

static NEWEST: Select = Select {
    sql: concat!(
        "SELECT r.created_position FROM (",
        newest_like!("status = $3"),
        " UNION ALL ",
        newest_like!("status = $4"),
        " UNION ALL ",
        newest_like!("status = $5"),
        " UNION ALL ",
        newest_like!("status = $6"),
        " UNION ALL ",
        newest_like!("email IS NULL AND CAST($1 AS bigint) = 1"),
        ") AS r ORDER BY r.created_position DESC LIMIT 1"
    ),
    columns: &[ColumnKind::BigInt],
};

/// Who changed after $2 and up to $3, and not again up to $4: as she was at $4, and as she had been at $1. What happened in
/// between stands side by side in the log.
static CHANGED: Select = Select {
    sql: concat!(
        "SELECT ",
        columns!("l"),
        ", ",
        columns!("e"),
        " FROM (SELECT s.*, (SELECT b.version FROM user_history b WHERE b.id = s.id AND b.from_position <= $1 \
         ORDER BY b.version DESC LIMIT 1) AS version_before \
         FROM events w JOIN user_history s ON s.id = w.aggregate_id AND s.version = w.version \
         WHERE w.position > $2 AND w.position <= $3 AND s.to_position > $4 \
         ORDER BY w.position LIMIT $5) AS l \
         LEFT JOIN user_history e ON e.id = l.id AND e.version = l.version_before ORDER BY l.from_position"
    ),
    columns: &kinds::<{ 2 * STATE_COLUMNS }>(0),
};

/// Every read of this file, for the test that prepares each on both engines.
pub static STATEMENTS: &[&Select] =
    &[&BY_EMAIL, &BY_USERNAME, &EVERYBODY, &AFTER_ID, &OF_ID, &PAGE, &NEWEST, &CHANGED];

/// Who owned an address or a name at a position, given its key.
pub(super) async fn owner(
    store: &dyn EventStore,
    owned: Owned<'_>,
    key: ClaimKey,
    at: Position,
) -> Result<Option<Past>, ReadError> {
    let select = match owned {
        Owned::Email(_) => &BY_EMAIL,
        Owned::Username(_) => &BY_USERNAME,
    };
    let rows = store.select(select, &[Value::Uuid(key.0), number(at)]).await?;
    rows.into_iter().next().map(state).transpose()
}

/// Those users whose first event stands within some stretch of the log.
#[derive(Clone, Copy, Debug)]
pub(super) struct Newcomers {
    /// Created here or later.
    pub(super) since: Position,
    /// Created before.
    pub(super) before: Position,
}

/// Everybody who was there at a position and was created before another, erased since or not, each with where she was
/// created; the newest first, at most `limit`.
pub(super) async fn everybody(
    store: &dyn EventStore,
    at: Position,
    before: Position,
    limit: usize,
) -> Result<Vec<(Position, Past)>, ReadError> {
    let parameters = [at, before, Position(limit as u64)].map(number);
    store.select(&EVERYBODY, &parameters).await?.into_iter().map(placed).collect()
}

/// Which ids are asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ids {
    /// All behind this one.
    After(Uuid),
    /// This one.
    One(Uuid),
}

/// Users who were there at a position, by id, at most `limit`. Of whoever has been erased since, nothing is told but that.
pub(crate) async fn users_by_id(
    store: &dyn EventStore,
    ids: Ids,
    at: Position,
    limit: u32,
) -> Result<Vec<User>, ReadError> {
    let (select, id) = match ids {
        Ids::After(id) => (&AFTER_ID, id),
        Ids::One(id) => (&OF_ID, id),
    };
    let parameters = [Value::Uuid(id), number(at), Value::BigInt(limit.into())];
    let rows = store.select(select, &parameters).await?;
    rows.into_iter().map(|row| state(row).map(|past| past.user)).collect()
}

/// Those of some newcomers who had one of the statuses at a position, each with where she was created; the newest first,
/// at most `limit`.
pub(super) async fn page(
    store: &dyn EventStore,
    statuses: &[Status],
    at: Position,
    newcomers: Newcomers,
    limit: usize,
) -> Result<Vec<(Position, Past)>, ReadError> {
    let Newcomers { since, before } = newcomers;
    let mut parameters = [at, before, since].map(number).to_vec();
    parameters.push(number(Position(limit as u64)));
    parameters.extend(in_words(statuses));
    parameters.push(erased_too(statuses));
    store.select(&PAGE, &parameters).await?.into_iter().map(placed).collect()
}

/// Behind whom to look next for somebody with one of the statuses, if nobody was created in between: right behind the
/// newest of those who were created before a position and were like that at any time.
pub(super) async fn newest_before(
    store: &dyn EventStore,
    statuses: &[Status],
    before: Position,
) -> Result<Option<Position>, ReadError> {
    let mut parameters = vec![erased_too(statuses), number(before)];
    parameters.extend(in_words(statuses));
    let rows = store.select(&NEWEST, &parameters).await?;
    let newest = rows.first().map(position).transpose()?;
    Ok(newest.map(|created| Position(created.0 + 1)))
}

/// The four statuses that a state has in words, in a fixed order; null for one that is not asked for.
fn in_words(statuses: &[Status]) -> [Value; 4] {
    [Status::Active, Status::Inactive, Status::Suspended, Status::Deleted].map(|status| {
        if statuses.contains(&status) { Value::Text(status.as_str().to_owned()) } else { Value::Null }
    })
}

/// Whether those are asked for who have been erased since.
fn erased_too(statuses: &[Status]) -> Value {
    Value::BigInt(statuses.contains(&Status::Erased).into())
}

/// The first column of a row.
fn position(row: &Row) -> Result<Position, ReadError> {
    match row[..] {
        [Value::BigInt(created), ..] => u64::try_from(created).map(Position).map_err(|_| corrupt()),
        _ => Err(corrupt()),
    }
}

/// A stretch of the log within which users are looked for who became different.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stretch {
    /// The earlier moment.
    pub(super) from: Position,
    /// The later moment.
    pub(super) to: Position,
    /// Behind this.
    pub(super) after: Position,
    /// Up to here.
    pub(super) until: Position,
}

/// Who changed last within a stretch, at most `limit`, by where; as she had been at the earlier moment, and as she was at
/// the later one.
pub(super) async fn changed(
    store: &dyn EventStore,
    stretch: Stretch,
    limit: u32,
) -> Result<Vec<(Past, Past)>, ReadError> {
    let Stretch { from, to, after, until } = stretch;
    let positions = [from, after, until, to].map(number);
    let parameters = [&positions[..], &[Value::BigInt(limit.into())]].concat();
    let pair = |mut later: Row| {
        let earlier = later.split_off(STATE_COLUMNS);
        Ok((maybe(earlier)?.unwrap_or_default(), state(later)?))
    };
    store.select(&CHANGED, &parameters).await?.into_iter().map(pair).collect()
}

/// The state in columns that are all null if there is none.
fn maybe(row: Row) -> Result<Option<Past>, ReadError> {
    if row[0] == Value::Null { Ok(None) } else { state(row).map(Some) }
}

/// A state behind the place where its user was created.
fn placed(mut row: Row) -> Result<(Position, Past), ReadError> {
    let past = state(row.split_off(1))?;
    Ok((position(&row)?, past))
}

/// What the vault knows of her password stands in no state.
fn state(row: Row) -> Result<Past, ReadError> {
    if row[1] == Value::Null {
        return erased(&row);
    }
    let credential = CredentialState::first(CredentialAlgorithm::Argon2id);
    Ok(Past { user: User::Live(Box::new(user_of(row, credential)?)), erased_at: None })
}

/// Her row says when her last event was, and whether it was the erasure.
fn erased(row: &Row) -> Result<Past, ReadError> {
    let time = |n: usize| match &row[n] {
        Value::Time(time) => Ok::<Timestamp, ReadError>(*time),
        _ => Err(corrupt()),
    };
    let count = |n: usize| match &row[n] {
        Value::BigInt(number) => u64::try_from(*number).map_err(|_| corrupt()),
        _ => Err(corrupt()),
    };
    let Value::Uuid(id) = row[0] else { return Err(corrupt()) };
    let updated_at = time(9)?;
    let user = ErasedUser {
        id: AggregateId(id),
        created_at: time(8)?,
        updated_at,
        version: Version(count(11)?),
        position: Position(count(12)?),
    };
    let gone = row[6] == Value::Text(Status::Erased.as_str().to_owned());
    Ok(Past { user: User::Erased(user), erased_at: gone.then_some(updated_at) })
}

fn number(position: Position) -> Value {
    Value::BigInt(i64::try_from(position.0).expect("a log of 2^63 events is out of reach"))
}

fn corrupt() -> ReadError {
    ReadError::Corrupt("a row of user_history does not fit its columns".to_owned())
}
