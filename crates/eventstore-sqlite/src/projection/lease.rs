//! The right to write a projection. Whoever holds the latest epoch may write, expired or not: it ends when somebody else
//! takes it, or when it is given back.

use std::time::Duration;

use eventstore::{Fence, Lease, ProjectionError};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use uuid::Uuid;

use super::Step;
use crate::read::{count, failed, time, uuid};
use crate::row::signed;

const LOOK: &str = "SELECT holder, epoch, expires_at FROM projection_leases WHERE projection = ?1";
const TAKE: &str =
    "INSERT INTO projection_leases (projection, holder, epoch, label, expires_at) VALUES (?1, ?2, ?3, ?4, ?5)
    ON CONFLICT (projection) DO UPDATE SET holder = ?2, epoch = ?3, label = ?4, expires_at = ?5";
const GIVE_BACK: &str =
    "UPDATE projection_leases SET holder = NULL WHERE projection = ?1 AND holder = ?2 AND epoch = ?3";
const CHECK: &str = "SELECT 1 FROM projection_leases WHERE projection = ?1 AND holder = ?2 AND epoch = ?3";
pub(super) const ALL: &str =
    "SELECT projection, holder, epoch, label, expires_at, expires_at <= ?1 FROM projection_leases
    WHERE holder IS NOT NULL ORDER BY projection";

/// For the test that looks at their plans.
#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[LOOK, TAKE, GIVE_BACK, CHECK];

pub(super) fn lease(
    step: &Step<'_>,
    projection: &str,
    holder: Uuid,
    label: &str,
    ttl: Duration,
) -> Result<Option<Fence>, ProjectionError> {
    let take = || {
        let Some(epoch) = next_epoch(step, projection, holder)? else { return Ok(None) };
        let micros = i64::try_from(ttl.as_micros()).unwrap_or(i64::MAX);
        let until = step.now.saturating_add(micros);
        let row = params![projection, holder.as_bytes(), signed(epoch), label, until];
        step.connection.prepare_cached(TAKE)?.execute(row)?;
        Ok(Some(Fence { holder, epoch }))
    };
    Ok(take().map_err(failed)?)
}

/// The epoch that the holder would have; `None` if somebody else is in it.
fn next_epoch(step: &Step<'_>, projection: &str, holder: Uuid) -> rusqlite::Result<Option<u64>> {
    let found: Option<(Option<[u8; 16]>, u64, i64)> = step
        .connection
        .prepare_cached(LOOK)?
        .query_row([projection], |row| Ok((row.get(0)?, count(row, 1)?, row.get(2)?)))
        .optional()?;
    Ok(match found {
        None => Some(1),
        Some((Some(same), epoch, _)) if same == *holder.as_bytes() => Some(epoch),
        Some((Some(_), _, expires_at)) if expires_at > step.now => None,
        Some((_, epoch, _)) => Some(epoch + 1),
    })
}

pub(super) fn release(step: &Step<'_>, projection: &str, fence: Fence) -> Result<(), ProjectionError> {
    let row = params![projection, fence.holder.as_bytes(), signed(fence.epoch)];
    let given_back = || step.connection.prepare_cached(GIVE_BACK)?.execute(row);
    given_back().map_err(failed)?;
    Ok(())
}

pub(super) fn leases(connection: &Connection, now: Timestamp) -> Result<Vec<Lease>, ProjectionError> {
    let read = || {
        let mut statement = connection.prepare_cached(ALL)?;
        let leases = statement.query_map([now.as_microsecond()], |row| {
            let fence = Fence { holder: uuid(row, 1)?, epoch: count(row, 2)? };
            let (label, expires_at, expired) = (row.get(3)?, time(row, 4)?, row.get(5)?);
            Ok(Lease { projection: row.get(0)?, fence, label, expires_at, expired })
        })?;
        leases.collect::<rusqlite::Result<_>>()
    };
    Ok(read().map_err(failed)?)
}

/// Whether the right still holds. Asked in the transaction of each write, so nobody takes it in between.
pub(super) fn check(step: &Step<'_>, projection: &str, fence: Fence) -> Result<(), ProjectionError> {
    let row = params![projection, fence.holder.as_bytes(), signed(fence.epoch)];
    let holds = || step.connection.prepare_cached(CHECK)?.exists(row);
    if holds().map_err(failed)? { Ok(()) } else { Err(ProjectionError::Fenced) }
}
