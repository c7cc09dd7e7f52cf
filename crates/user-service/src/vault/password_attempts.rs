//! Attempts at passwords: how often somebody was asked for in vain, and how long whoever asks next must wait.
//!
//! A row holds a keyed hash, so the table does not say of whom it speaks, also not of users who have been erased since.
//! What has been quiet for an hour counts no more, and housekeeping takes it away. Every statement is atomic by itself: of
//! many who attempt at once, so many get through as may. None waits for a standby: a failover may forget the last of them.

use std::time::Duration;

use eventstore::{ColumnKind, EventStore, ReadError, Select, Value};
use jiff::Timestamp;
use uuid::Uuid;

/// So many attempts are free before the first wait of a second, which doubles with each, up to five minutes. Numbers in the
/// statements are microseconds. An attempt counts before its password is looked at; a row whose time is further ahead than any
/// wait is of a clock that was wrong, and stops nobody.
static RESERVE: &str = "INSERT INTO password_attempts AS a (key, failures, wait, last_at) VALUES ($1, 1, 0, $2) \
     ON CONFLICT (key) DO UPDATE SET \
     failures = CASE WHEN a.last_at <= $3 THEN 1 ELSE a.failures + 1 END, \
     wait = CASE WHEN a.last_at <= $3 OR a.failures < 4 THEN 0 WHEN a.wait = 0 THEN 1000000 \
     WHEN a.wait >= 150000000 THEN 300000000 ELSE a.wait * 2 END, \
     last_at = $2 \
     WHERE a.last_at + a.wait <= $2 OR a.last_at > $2 + 300000000";

static FIND: Select = Select {
    sql: "SELECT failures, wait, last_at FROM password_attempts WHERE key = $1",
    columns: &[ColumnKind::BigInt, ColumnKind::BigInt, ColumnKind::BigInt],
};

static GIVE_BACK: &str = "UPDATE password_attempts SET failures = failures - 1, \
     wait = CASE WHEN wait <= 1000000 THEN 0 ELSE wait / 2 END WHERE key = $1 AND failures > 0";

static CLEAR: &str = "DELETE FROM password_attempts WHERE key = $1";

/// Failures of a caller, in a minute that begins with the first.
static COUNT: &str = "INSERT INTO password_attempts AS a (key, failures, wait, last_at) VALUES ($1, 1, 0, $2) \
     ON CONFLICT (key) DO UPDATE SET \
     failures = CASE WHEN a.last_at <= $3 OR a.last_at > $2 THEN 1 ELSE a.failures + 1 END, \
     last_at = CASE WHEN a.last_at <= $3 OR a.last_at > $2 THEN $2 ELSE a.last_at END";

static FORGET: &str = "DELETE FROM password_attempts WHERE last_at <= $1";

/// Every statement of this file, for the test that prepares each on both engines.
pub(super) static STATEMENTS: &[&str] = &[RESERVE, FIND.sql, GIVE_BACK, CLEAR, COUNT, FORGET];

/// After an hour without an attempt everything is as if there had been none.
const FORGOTTEN_AFTER: Duration = Duration::from_hours(1);

/// Over which the failures of a caller are counted.
const CALLER_WINDOW: Duration = Duration::from_mins(1);

/// Who is asked for, or who asks, as the vault knows her.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttemptKey(pub(super) Uuid);

impl AttemptKey {
    /// The same as a number, which says as little.
    pub(crate) fn number(self) -> u128 {
        self.0.as_u128()
    }
}

/// What becomes of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It counts, and its password may be looked at.
    Admitted,
    /// It does not count. Come back after this.
    Wait(Duration),
}

/// Counts an attempt before its password is looked at, if it need not wait.
pub async fn reserve_attempt(
    store: &dyn EventStore,
    key: AttemptKey,
    now: Timestamp,
) -> Result<Admission, ReadError> {
    let parameters = [Value::Uuid(key.0), at(now), before(now, FORGOTTEN_AFTER)];
    if store.note(RESERVE, &parameters).await? > 0 {
        return Ok(Admission::Admitted);
    }
    let (_, wait, last_at) = find(store, key).await?.unwrap_or_default();
    Ok(Admission::Wait(until(last_at + wait, now)))
}

/// Takes back an attempt whose password nobody looked at.
pub async fn give_attempt_back(store: &dyn EventStore, key: AttemptKey) -> Result<(), ReadError> {
    store.note(GIVE_BACK, &[Value::Uuid(key.0)]).await.map(|_| ())
}

/// A right password: what went before is forgotten.
pub async fn clear_attempts(store: &dyn EventStore, key: AttemptKey) -> Result<(), ReadError> {
    store.note(CLEAR, &[Value::Uuid(key.0)]).await.map(|_| ())
}

/// Whether a caller has failed so often in this minute that she must wait; never, if `max` is 0.
pub async fn caller_admission(
    store: &dyn EventStore,
    key: AttemptKey,
    max: u32,
    now: Timestamp,
) -> Result<Admission, ReadError> {
    if max == 0 {
        return Ok(Admission::Admitted);
    }
    let (failures, _, since) = find(store, key).await?.unwrap_or_default();
    let wait = until(since + micros(CALLER_WINDOW), now);
    // A window that began later than now is of a clock that was wrong.
    let free = failures < i64::from(max) || wait.is_zero() || wait > CALLER_WINDOW;
    Ok(if free { Admission::Admitted } else { Admission::Wait(wait) })
}

/// Counts a failure of a caller.
pub async fn count_failure(store: &dyn EventStore, key: AttemptKey, now: Timestamp) -> Result<(), ReadError> {
    let parameters = [Value::Uuid(key.0), at(now), before(now, CALLER_WINDOW)];
    store.note(COUNT, &parameters).await.map(|_| ())
}

/// Takes away what counts no more. Says how many rows that were.
pub async fn forget_attempts(store: &dyn EventStore, now: Timestamp) -> Result<u64, ReadError> {
    store.note(FORGET, &[before(now, FORGOTTEN_AFTER)]).await
}

async fn find(store: &dyn EventStore, key: AttemptKey) -> Result<Option<(i64, i64, i64)>, ReadError> {
    let rows = store.select(&FIND, &[Value::Uuid(key.0)]).await?;
    match rows.into_iter().next().as_deref() {
        None => Ok(None),
        Some([Value::BigInt(failures), Value::BigInt(wait), Value::BigInt(last_at)]) => {
            Ok(Some((*failures, *wait, *last_at)))
        }
        Some(_) => Err(ReadError::Corrupt("a row of password_attempts does not fit its columns".to_owned())),
    }
}

fn at(time: Timestamp) -> Value {
    Value::BigInt(time.as_microsecond())
}

fn before(now: Timestamp, ago: Duration) -> Value {
    Value::BigInt(now.as_microsecond() - micros(ago))
}

/// How long it is from now to a moment; nothing if it is over.
fn until(moment: i64, now: Timestamp) -> Duration {
    Duration::from_micros(u64::try_from(moment - now.as_microsecond()).unwrap_or_default())
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).expect("an hour is few microseconds")
}
