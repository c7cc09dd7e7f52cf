//! The right to write a projection. Whoever holds the latest epoch may write, expired or not: it ends when somebody else
//! takes it, or when it is given back.

use std::time::Duration;

use eventstore::{Fence, Lease, ProjectionError, ReadError};
use uuid::Uuid;

use super::catalog::Step;
use crate::read::{Reader, get};
use crate::row::{Moment, signed, unsigned};

/// The clock is read when the row is ours: whoever waited for it does not judge by an old time.
const TAKE: &str = "INSERT INTO projection_leases AS l (projection, holder, epoch, label, expires_at) \
    VALUES ($1, $2, 1, $3, coalesce($4::timestamptz, clock_timestamp()) + $5::bigint * interval '1 microsecond') \
    ON CONFLICT (projection) DO UPDATE SET holder = EXCLUDED.holder, label = EXCLUDED.label, \
        expires_at = coalesce($4::timestamptz, clock_timestamp()) + $5::bigint * interval '1 microsecond', \
        epoch = l.epoch + CASE WHEN l.holder = EXCLUDED.holder THEN 0 ELSE 1 END \
    WHERE l.holder IS NULL OR l.holder = EXCLUDED.holder \
        OR l.expires_at <= coalesce($4::timestamptz, clock_timestamp()) \
    RETURNING epoch";
const GIVE_BACK: &str =
    "UPDATE projection_leases SET holder = NULL WHERE projection = $1 AND holder = $2 AND epoch = $3";
const CHECK: &str = "SELECT 1 FROM projection_leases WHERE projection = $1 AND holder = $2 AND epoch = $3";
const ALL: &str = "SELECT projection, holder, epoch, label, expires_at, \
        expires_at <= coalesce($1::timestamptz, clock_timestamp()) \
    FROM projection_leases WHERE holder IS NOT NULL ORDER BY projection";

/// A lease for longer than this is for ever.
const TTL_MAX: Duration = Duration::from_hours(24 * 365);

pub(super) async fn lease(
    reader: &Reader,
    now: Option<Moment>,
    projection: &str,
    holder: Uuid,
    label: &str,
    ttl: Duration,
) -> Result<Option<Fence>, ProjectionError> {
    let micros = i64::try_from(ttl.min(TTL_MAX).as_micros()).unwrap_or(i64::MAX);
    let rows = reader.rows(TAKE, &[&projection, &holder, &label, &now, &micros]).await?;
    let fence = |row| Ok::<_, ReadError>(Fence { holder, epoch: unsigned(get(row, 0)?)? });
    Ok(rows.first().map(fence).transpose()?)
}

pub(super) async fn release(reader: &Reader, projection: &str, fence: Fence) -> Result<(), ProjectionError> {
    reader.rows(GIVE_BACK, &[&projection, &fence.holder, &signed(fence.epoch)]).await?;
    Ok(())
}

pub(super) async fn leases(reader: &Reader, now: Option<Moment>) -> Result<Vec<Lease>, ProjectionError> {
    let rows = reader.rows(ALL, &[&now]).await?;
    let lease = |row| {
        Ok(Lease {
            projection: get(row, 0)?,
            fence: Fence { holder: get(row, 1)?, epoch: unsigned(get(row, 2)?)? },
            label: get(row, 3)?,
            expires_at: get::<Moment>(row, 4)?.timestamp()?,
            expired: get(row, 5)?,
        })
    };
    Ok(rows.iter().map(lease).collect::<Result<_, ReadError>>()?)
}

/// Whether the right still holds. Asked while the projection's generation is held: whoever takes the right afterwards
/// looks where the generation stands afterwards, too.
pub(super) async fn check(step: &Step<'_>, projection: &str, fence: Fence) -> Result<(), ProjectionError> {
    let held = step.rows(CHECK, &[&projection, &fence.holder, &signed(fence.epoch)]).await?;
    if held.is_empty() { Err(ProjectionError::Fenced) } else { Ok(()) }
}
