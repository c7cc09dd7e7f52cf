//! Events that a generation could not take, by reference.

use eventstore::{AggregateId, NewParked, Parked, Position, ProjectionError, ReadError, Slot, Version};
use tokio_postgres::types::ToSql;

use super::catalog::Step;
use crate::read::{Reader, get};
use crate::row::{Moment, signed, unsigned};

macro_rules! parked {
    ($tail:literal) => {
        concat!(
            "SELECT e.aggregate_id, e.position, e.version, e.cause, e.parked_at FROM projections p \
            JOIN parked_events e ON e.projection = p.name AND e.number = p.number \
            WHERE p.name = $1 AND p.slot = $2 AND e.position > $3 ",
            $tail
        )
    };
}

const OF_ALL: &str = parked!("ORDER BY e.position LIMIT $4");
const OF_STREAM: &str = parked!("AND e.aggregate_id = $5 ORDER BY e.position LIMIT $4");
/// Parked again, it has been parked since then.
const PARK: &str = "INSERT INTO parked_events \
    (projection, number, position, aggregate_id, version, cause, parked_at) \
    SELECT $1, $2, u.position, u.aggregate_id, u.version, u.cause, coalesce($7::timestamptz, clock_timestamp()) \
    FROM unnest($3::bigint[], $4::uuid[], $5::bigint[], $6::text[]) u(position, aggregate_id, version, cause) \
    ON CONFLICT (projection, number, position) DO UPDATE SET cause = EXCLUDED.cause";
const UNPARK: &str =
    "DELETE FROM parked_events WHERE projection = $1 AND number = $2 AND position = ANY ($3::bigint[])";

pub(super) async fn parked(
    reader: &Reader,
    projection: &str,
    slot: Slot,
    stream: Option<AggregateId>,
    after: Position,
    limit: u32,
) -> Result<Vec<Parked>, ProjectionError> {
    let (of, after, limit) = (slot.as_str(), signed(after.0), i64::from(limit));
    let rows = match stream {
        None => reader.rows(OF_ALL, &[&projection, &of, &after, &limit]).await?,
        Some(stream) => reader.rows(OF_STREAM, &[&projection, &of, &after, &limit, &stream.0]).await?,
    };
    let parked = |row| {
        let event = NewParked {
            aggregate_id: AggregateId(get(row, 0)?),
            position: Position(unsigned(get(row, 1)?)?),
            version: Version(unsigned(get(row, 2)?)?),
            cause: get(row, 3)?,
        };
        let parked_at = get::<Moment>(row, 4)?.timestamp()?;
        Ok(Parked { projection: projection.to_owned(), slot, event, parked_at })
    };
    Ok(rows.iter().map(parked).collect::<Result<_, ReadError>>()?)
}

/// What is parked no longer goes first, so that an event can be parked again for another cause.
pub(super) async fn change(
    step: &Step<'_>,
    projection: &str,
    number: u32,
    unpark: &[Position],
    park: &[NewParked],
) -> Result<(), ReadError> {
    let number = number.cast_signed();
    if !unpark.is_empty() {
        let positions: Vec<_> = unpark.iter().map(|position| signed(position.0)).collect();
        step.execute(UNPARK, &[&projection, &number, &positions]).await?;
    }
    if park.is_empty() {
        return Ok(());
    }
    let positions: Vec<_> = park.iter().map(|event| signed(event.position.0)).collect();
    let streams: Vec<_> = park.iter().map(|event| event.aggregate_id.0).collect();
    let versions: Vec<_> = park.iter().map(|event| signed(event.version.0)).collect();
    let causes: Vec<_> = park.iter().map(|event| event.cause.as_str()).collect();
    let parameters: [&(dyn ToSql + Sync); 7] =
        [&projection, &number, &positions, &streams, &versions, &causes, &step.now];
    step.execute(PARK, &parameters).await?;
    Ok(())
}
