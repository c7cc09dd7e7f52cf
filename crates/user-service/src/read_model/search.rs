//! Reads of `user_search`: users in any order, those that hold a text, a slice of the table at a time.
//!
//! A slice is so many rows and no more, found by the index of its order, so that no read takes long however rare what it
//! looks for. Where it ended comes with what was found: both are of one moment.

use eventstore::{
    ColumnKind, Direction, EventStore, ProjectionError, ReadError, Row, Select, Stretch, Value,
};
use user_domain::{LiveUser, SearchText, Status};

use super::order::{CreatedFrom, SearchPlace, SortKey, Sorting, UserOrder};
use super::table::corrupt;
use super::users::{USER_COLUMNS, kinds, shown};
use crate::projections::USER_SEARCH_TABLE;

/// A slice of the table.
#[derive(Clone, Copy, Debug)]
pub struct SearchSlice<'a> {
    /// In which order.
    pub order: UserOrder,
    /// Users with one of these.
    pub statuses: &'a [Status],
    /// Users who have this in what they are called; any if `None`.
    pub search: Option<&'a SearchText>,
    /// Users who were created there.
    pub created: CreatedFrom,
    /// How many rows are looked at, at most.
    pub rows: u32,
    /// How many users are found, at most.
    pub limit: u32,
}

/// What a slice holds.
#[derive(Clone, Debug, Default)]
pub struct SearchFound {
    /// In the order of the slice.
    pub users: Vec<(LiveUser, SearchPlace)>,
    /// Where the slice ended; `None` if it is the last.
    pub end: Option<SearchPlace>,
}

/// The last column of the table.
const CREATED_POSITION: &str = "created_position";

macro_rules! columns {
    () => {
        "id, email, username, first_name, last_name, avatar_url, status, standing, created_at, last_updated, \
         deleted_at, version, position"
    };
}

/// The first rows of one status in an order, by its index. Nothing else has an order by key and id, so PostgreSQL has no
/// other to walk along, as it has in `newest_of` in `users.rs`; and what is compared is what is sorted by, so that it does
/// not take another one and sort.
macro_rules! of_status {
    ($status:literal, $key:literal, $beyond:literal, $order:literal) => {
        concat!(
            "SELECT * FROM (SELECT ",
            columns!(),
            ", folded, created_position, ",
            $key,
            " AS place FROM user_search WHERE status = ",
            $status,
            " AND (",
            $key,
            ", id) ",
            $beyond,
            " ($1, $2) ORDER BY ",
            $key,
            " ",
            $order,
            ", id ",
            $order,
            " LIMIT $3) AS q"
        )
    };
}

/// What was found in a slice, then its last row with how many rows it has.
macro_rules! slice {
    ($key:literal, $beyond:literal, $order:literal, $reverse:literal) => {
        concat!(
            "WITH slice AS MATERIALIZED (SELECT ",
            columns!(),
            ", folded, created_position, place FROM (",
            of_status!("$4", $key, $beyond, $order),
            " UNION ALL ",
            of_status!("$5", $key, $beyond, $order),
            " UNION ALL ",
            of_status!("$6", $key, $beyond, $order),
            " UNION ALL ",
            of_status!("$7", $key, $beyond, $order),
            ") AS of_all ORDER BY place ",
            $order,
            ", id ",
            $order,
            " LIMIT $3) \
             SELECT ",
            columns!(),
            ", place, looked_at FROM (\
             SELECT * FROM (SELECT ",
            columns!(),
            ", place, CAST(0 AS bigint) AS looked_at FROM slice \
             WHERE folded LIKE $8 ESCAPE '\\' AND created_position >= $10 AND created_position < $11 \
             ORDER BY place ",
            $order,
            ", id ",
            $order,
            " LIMIT $9) AS found \
             UNION ALL \
             SELECT * FROM (SELECT ",
            columns!(),
            ", place, (SELECT COUNT(*) FROM slice) AS looked_at FROM slice \
             ORDER BY place ",
            $reverse,
            ", id ",
            $reverse,
            " LIMIT 1) AS last_row) AS answer \
             ORDER BY looked_at, place ",
            $order,
            ", id ",
            $order
        )
    };
    ($key:literal) => {
        [slice!($key, ">", "ASC", "DESC"), slice!($key, "<", "DESC", "ASC")]
    };
}

const BY_CREATED_AT: [&str; 2] = slice!("created_position");
const BY_UPDATED_AT: [&str; 2] = slice!("last_updated");
const BY_EMAIL: [&str; 2] = slice!("email_key");
const BY_USERNAME: [&str; 2] = slice!("username_key");

static OLDEST_FIRST: Select = Select { sql: BY_CREATED_AT[0], columns: kinds!(BigInt, BigInt) };
static NEWEST_FIRST: Select = Select { sql: BY_CREATED_AT[1], columns: kinds!(BigInt, BigInt) };
static STALEST_FIRST: Select = Select { sql: BY_UPDATED_AT[0], columns: kinds!(Time, BigInt) };
static FRESHEST_FIRST: Select = Select { sql: BY_UPDATED_AT[1], columns: kinds!(Time, BigInt) };
static EMAIL_UP: Select = Select { sql: BY_EMAIL[0], columns: kinds!(Text, BigInt) };
static EMAIL_DOWN: Select = Select { sql: BY_EMAIL[1], columns: kinds!(Text, BigInt) };
static USERNAME_UP: Select = Select { sql: BY_USERNAME[0], columns: kinds!(Text, BigInt) };
static USERNAME_DOWN: Select = Select { sql: BY_USERNAME[1], columns: kinds!(Text, BigInt) };

/// Of each status at most so many are counted. The order names the index: a plan may have been made when the table was empty,
/// and all of its indexes were alike.
macro_rules! created_with {
    ($status:literal) => {
        concat!(
            "SELECT * FROM (SELECT id FROM user_search WHERE status = ",
            $status,
            " AND created_position >= $5 AND created_position < $6 ORDER BY created_position LIMIT $7) AS q"
        )
    };
}

static CREATED: Select = Select {
    sql: concat!(
        "SELECT COUNT(*) FROM (",
        created_with!("$1"),
        " UNION ALL ",
        created_with!("$2"),
        " UNION ALL ",
        created_with!("$3"),
        " UNION ALL ",
        created_with!("$4"),
        ") AS r"
    ),
    columns: &[ColumnKind::BigInt],
};

/// Every read of this file, for the test that prepares each on both engines.
pub static SEARCH_STATEMENTS: &[&Select] = &[
    &CREATED,
    &OLDEST_FIRST,
    &NEWEST_FIRST,
    &STALEST_FIRST,
    &FRESHEST_FIRST,
    &EMAIL_UP,
    &EMAIL_DOWN,
    &USERNAME_UP,
    &USERNAME_DOWN,
];

/// A slice of users after a place, or from the first on.
pub async fn search(
    store: &dyn EventStore,
    slice: &SearchSlice<'_>,
    after: Option<&SearchPlace>,
) -> Result<SearchFound, ReadError> {
    let first = slice.order.before_all(slice.created);
    let SearchPlace { key, id } = after.unwrap_or(&first);
    let mut parameters = vec![key.clone(), Value::Uuid(*id), Value::BigInt(slice.rows.into())];
    parameters.extend(statuses(slice.statuses));
    parameters.push(Value::Text(pattern(slice.search)));
    parameters.push(Value::BigInt(slice.limit.into()));
    parameters.extend([slice.created.from, slice.created.until].map(Value::BigInt));
    let rows = store.select(select(slice.order), &parameters).await?;
    let mut found = SearchFound::default();
    for mut row in rows {
        let place = row.split_off(USER_COLUMNS);
        let (place, looked_at) = place_of(&row, &place)?;
        match looked_at {
            0 => found.users.push((shown(row)?, place)),
            all if all >= i64::from(slice.rows) => found.end = Some(place),
            _ => {}
        }
    }
    found.end = found.end.filter(|end| !slice.order.is_over(slice.created, end));
    Ok(found)
}

/// A user and the position at which she was created.
pub type Created = (LiveUser, i64);

/// Everybody who has a text in what she is called, in no order; `None` if no index can tell, or if more users than that come
/// into question.
pub async fn called(
    store: &dyn EventStore,
    text: &SearchText,
    most: u32,
) -> Result<Option<Vec<Created>>, ProjectionError> {
    let rows = store.projections().containing(&USER_SEARCH_TABLE, "folded", text.folded(), most).await?;
    Ok(rows.map(|rows| rows.into_iter().map(created).collect()).transpose()?)
}

/// The first of them in the order of their creation, of those created somewhere; `None` if no index can tell.
pub async fn called_along(
    store: &dyn EventStore,
    text: &SearchText,
    among: CreatedFrom,
    direction: Direction,
    limit: u32,
) -> Result<Option<Vec<Created>>, ProjectionError> {
    let CreatedFrom { from, until } = among;
    let stretch = Stretch { column: CREATED_POSITION, from, until, direction };
    let projections = store.projections();
    let rows =
        projections.containing_along(&USER_SEARCH_TABLE, "folded", text.folded(), stretch, limit).await?;
    Ok(rows.map(|rows| rows.into_iter().map(created).collect()).transpose()?)
}

fn created(mut row: Row) -> Result<Created, ReadError> {
    let Some(Value::BigInt(position)) = row.pop() else { return Err(corrupt()) };
    row.truncate(USER_COLUMNS);
    Ok((shown(row)?, position))
}

/// How many users with one of the statuses were created there, if there are no more than so many.
pub async fn count_created(
    store: &dyn EventStore,
    among: &[Status],
    created: CreatedFrom,
    most: u32,
) -> Result<Option<u64>, ReadError> {
    let mut parameters: Vec<_> = statuses(among).collect();
    parameters.extend([created.from, created.until].map(Value::BigInt));
    parameters.push(Value::BigInt(i64::from(most) + 1));
    let rows = store.select(&CREATED, &parameters).await?;
    let [row] = &rows[..] else { return Err(corrupt()) };
    let [Value::BigInt(count)] = row[..] else { return Err(corrupt()) };
    let count = u64::try_from(count).map_err(|_| corrupt())?;
    Ok(Some(count).filter(|count| *count <= u64::from(most)))
}

/// The statuses as four parameters, whether or not there are as many.
fn statuses(among: &[Status]) -> impl Iterator<Item = Value> {
    let wanted = among.iter().map(|status| Value::Text(status.as_str().to_owned()));
    wanted.chain(std::iter::repeat(Value::Null)).take(4)
}

fn place_of(row: &Row, place: &[Value]) -> Result<(SearchPlace, i64), ReadError> {
    let (Value::Uuid(id), [key, Value::BigInt(looked_at)]) = (&row[0], place) else { return Err(corrupt()) };
    Ok((SearchPlace { key: key.clone(), id: *id }, *looked_at))
}

/// What `LIKE` takes to find a text anywhere: its three letters of power mean themselves.
fn pattern(search: Option<&SearchText>) -> String {
    let mut pattern = String::from("%");
    for letter in search.map_or("", SearchText::folded).chars() {
        if matches!(letter, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    if search.is_some() {
        pattern.push('%');
    }
    pattern
}

fn select(order: UserOrder) -> &'static Select {
    let [up, down] = match order.key {
        SortKey::CreatedAt => [&OLDEST_FIRST, &NEWEST_FIRST],
        SortKey::UpdatedAt => [&STALEST_FIRST, &FRESHEST_FIRST],
        SortKey::Email => [&EMAIL_UP, &EMAIL_DOWN],
        SortKey::Username => [&USERNAME_UP, &USERNAME_DOWN],
    };
    match order.sorting {
        Sorting::Ascending => up,
        Sorting::Descending => down,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_searched_for_means_itself() {
        let text = SearchText::parse(r"50%_\x").expect("a text");
        assert_eq!(pattern(Some(&text)), r"%50\%\_\\x%");
        assert_eq!(pattern(None), "%");
    }
}
