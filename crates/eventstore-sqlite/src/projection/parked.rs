//! Events that a generation could not take, by reference.

use eventstore::{AggregateId, NewParked, Parked, Position, ProjectionError, Slot, Version};
use rusqlite::{Connection, Row, params};

use super::Step;
use crate::read::{count, failed, time, uuid};
use crate::row::signed;

macro_rules! parked {
    ($tail:literal) => {
        concat!(
            "SELECT e.aggregate_id, e.position, e.version, e.cause, e.parked_at FROM projections p
            JOIN parked_events e ON e.projection = p.name AND e.number = p.number
            WHERE p.name = ?1 AND p.slot = ?2 AND e.position > ?3 ",
            $tail
        )
    };
}

const OF_ALL: &str = parked!("ORDER BY e.position LIMIT ?4");
const OF_STREAM: &str = parked!("AND e.aggregate_id = ?5 ORDER BY e.position LIMIT ?4");
/// Parked again, it has been parked since then.
const PARK: &str =
    "INSERT INTO parked_events (projection, number, position, aggregate_id, version, cause, parked_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
    ON CONFLICT (projection, number, position) DO UPDATE SET cause = excluded.cause";
const UNPARK: &str = "DELETE FROM parked_events WHERE projection = ?1 AND number = ?2 AND position = ?3";

/// For the test that looks at their plans.
#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[OF_ALL, OF_STREAM, PARK, UNPARK];

pub(super) fn parked(
    connection: &Connection,
    projection: &str,
    slot: Slot,
    stream: Option<AggregateId>,
    after: Position,
    limit: u32,
) -> Result<Vec<Parked>, ProjectionError> {
    let parked = |row: &Row<'_>| {
        let (position, version) = (Position(count(row, 1)?), Version(count(row, 2)?));
        let event =
            NewParked { aggregate_id: AggregateId(uuid(row, 0)?), position, version, cause: row.get(3)? };
        Ok(Parked { projection: projection.to_owned(), slot, event, parked_at: time(row, 4)? })
    };
    let (slot, after) = (slot.as_str(), signed(after.0));
    let read = || match stream {
        None => {
            let mut statement = connection.prepare_cached(OF_ALL)?;
            let rows = statement.query_map(params![projection, slot, after, limit], parked)?;
            rows.collect::<rusqlite::Result<_>>()
        }
        Some(stream) => {
            let mut statement = connection.prepare_cached(OF_STREAM)?;
            let stream = stream.0.as_bytes();
            statement.query_map(params![projection, slot, after, limit, stream], parked)?.collect()
        }
    };
    Ok(read().map_err(failed)?)
}

/// What is parked no longer goes first, so that an event can be parked again for another cause.
pub(super) fn change(
    step: &Step<'_>,
    projection: &str,
    number: u32,
    unpark: &[Position],
    park: &[NewParked],
) -> rusqlite::Result<()> {
    for position in unpark {
        step.connection.prepare_cached(UNPARK)?.execute(params![projection, number, signed(position.0)])?;
    }
    for event in park {
        step.connection.prepare_cached(PARK)?.execute(params![
            projection,
            number,
            signed(event.position.0),
            event.aggregate_id.0.as_bytes(),
            signed(event.version.0),
            event.cause,
            step.now,
        ])?;
    }
    Ok(())
}
