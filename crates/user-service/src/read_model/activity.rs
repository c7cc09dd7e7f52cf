//! Reads of `user_activity`: what a dashboard shows.

use eventstore::{ColumnKind, EventStore, ReadError, Row, Select, Value};
use user_domain::Status;

static EVENTS: Select = Select {
    sql: "SELECT day, event_type, events FROM activity_day WHERE day >= $1 AND day <= $2 ORDER BY day, event_type",
    columns: &[ColumnKind::Text, ColumnKind::Text, ColumnKind::BigInt],
};

static CHANGES: Select = Select {
    sql: "SELECT day, status, change FROM activity_status WHERE day >= $1 AND day <= $2 ORDER BY day, status",
    columns: &[ColumnKind::Text, ColumnKind::Text, ColumnKind::BigInt],
};

/// Five rows a day since the first: ten years are read in a few milliseconds.
static BEFORE: Select = Select {
    sql: "SELECT status, CAST(SUM(change) AS bigint) FROM activity_status WHERE day < $1 GROUP BY status",
    columns: &[ColumnKind::Text, ColumnKind::BigInt],
};

/// Behind every day that a table can hold.
const AFTER_ALL_DAYS: &str = "~";

/// Counts along the index. A table of counts would keep the domain of somebody who has been erased.
static DOMAINS: Select = Select {
    sql: "SELECT email_domain, COUNT(*) FROM activity_user \
          WHERE email_domain IS NOT NULL AND status <> 'deleted' \
          GROUP BY email_domain ORDER BY 2 DESC, 1 LIMIT $1",
    columns: &[ColumnKind::Text, ColumnKind::BigInt],
};

/// Every read of this file, for the test that prepares each on both engines.
pub static ACTIVITY_STATEMENTS: &[&Select] = &[&EVENTS, &CHANGES, &BEFORE, &DOMAINS];

/// How often something happened on a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventsOfDay {
    /// UTC, as `2026-05-03`.
    pub day: String,
    /// What.
    pub event_type: String,
    /// How often.
    pub events: u64,
}

/// How many users more than before had a status at the end of a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeOfDay {
    /// UTC, as `2026-05-03`.
    pub day: String,
    /// Which.
    pub status: Status,
    /// How many more, or fewer.
    pub change: i64,
}

/// How many users are at a domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsersOfDomain {
    /// The domain.
    pub domain: String,
    /// How many, the deleted left out.
    pub users: u64,
}

/// What happened between two days, these included.
pub async fn events_by_day(
    store: &dyn EventStore,
    from: &str,
    until: &str,
) -> Result<Vec<EventsOfDay>, ReadError> {
    let rows = store.select(&EVENTS, &[text(from), text(until)]).await?;
    let entry = |row: Row| match &row[..] {
        [Value::Text(day), Value::Text(event_type), Value::BigInt(events)] => {
            Ok(EventsOfDay { day: day.clone(), event_type: event_type.clone(), events: count(*events)? })
        }
        _ => Err(corrupt()),
    };
    rows.into_iter().map(entry).collect()
}

/// How many users had which status before a day.
pub async fn users_before(store: &dyn EventStore, day: &str) -> Result<Vec<(Status, i64)>, ReadError> {
    let rows = store.select(&BEFORE, &[text(day)]).await?;
    let entry = |row: Row| match &row[..] {
        [Value::Text(status), Value::BigInt(users)] => Ok((parsed(status)?, *users)),
        _ => Err(corrupt()),
    };
    rows.into_iter().map(entry).collect()
}

/// How many users have which status.
pub async fn users_by_status(store: &dyn EventStore) -> Result<Vec<(Status, i64)>, ReadError> {
    users_before(store, AFTER_ALL_DAYS).await
}

/// How that changed between two days, these included.
pub async fn changes_by_day(
    store: &dyn EventStore,
    from: &str,
    until: &str,
) -> Result<Vec<ChangeOfDay>, ReadError> {
    let rows = store.select(&CHANGES, &[text(from), text(until)]).await?;
    let entry = |row: Row| match &row[..] {
        [Value::Text(day), Value::Text(status), Value::BigInt(change)] => {
            Ok(ChangeOfDay { day: day.clone(), status: parsed(status)?, change: *change })
        }
        _ => Err(corrupt()),
    };
    rows.into_iter().map(entry).collect()
}

/// The domains with the most users.
pub async fn top_domains(store: &dyn EventStore, limit: u32) -> Result<Vec<UsersOfDomain>, ReadError> {
    let rows = store.select(&DOMAINS, &[Value::BigInt(limit.into())]).await?;
    let entry = |row: Row| match &row[..] {
        [Value::Text(domain), Value::BigInt(users)] => {
            Ok(UsersOfDomain { domain: domain.clone(), users: count(*users)? })
        }
        _ => Err(corrupt()),
    };
    rows.into_iter().map(entry).collect()
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn parsed(status: &str) -> Result<Status, ReadError> {
    Status::parse(status).ok_or_else(corrupt)
}

fn count(number: i64) -> Result<u64, ReadError> {
    u64::try_from(number).map_err(|_| corrupt())
}

fn corrupt() -> ReadError {
    ReadError::Corrupt("a row of user_activity does not fit its columns".to_owned())
}
