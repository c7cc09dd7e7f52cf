//! The event rows of an append, and the guard against a version ahead of the stream's head.

use eventstore::{Append, NewEvent};
use rusqlite::{CachedStatement, Connection};
use uuid::Uuid;

use super::{Failure, matches};
use crate::row::signed;

macro_rules! insert {
    ($tail:literal) => {
        concat!(
            "INSERT INTO events (position, recorded_at, aggregate_id, version, event_id, aggregate_type, event_type,
            schema_version, actor, request_id, correlation_id, causation_id, data, sealed)
            SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14 ",
            $tail
        )
    };
}

pub(super) const PLAIN: &str = insert!("");
pub(super) const GUARDED: &str =
    insert!("WHERE EXISTS (SELECT 1 FROM events WHERE aggregate_id = ?3 AND version = ?4 - 1)");

/// The two ways to insert an event.
pub(super) struct EventWriting<'c> {
    /// The uniqueness of (stream, version) finds a stale version.
    plain: CachedStatement<'c>,
    /// It does not find a version ahead of the head, so the first event of an append asks for the one before it.
    guarded: CachedStatement<'c>,
}

impl<'c> EventWriting<'c> {
    pub(super) fn begin(connection: &'c Connection) -> rusqlite::Result<Self> {
        Ok(Self { plain: connection.prepare_cached(PLAIN)?, guarded: connection.prepare_cached(GUARDED)? })
    }

    pub(super) fn write(&mut self, append: &Append, first: i64, recorded_at: i64) -> Result<(), Failure> {
        let mut version = append.expected;
        for (position, event) in (first..).zip(&append.events) {
            let guarded = version == append.expected && version.0 > 0;
            version = version.next();
            let statement = if guarded { &mut self.guarded } else { &mut self.plain };
            let place = [position, recorded_at, signed(version.0)];
            bind(statement, append, event, place)?;
            matches(statement.raw_execute()? == 1)?;
        }
        Ok(())
    }
}

fn bind(
    statement: &mut CachedStatement<'_>,
    append: &Append,
    event: &NewEvent,
    [position, recorded_at, version]: [i64; 3],
) -> rusqlite::Result<()> {
    let metadata = &append.metadata;
    statement.raw_bind_parameter(1, position)?;
    statement.raw_bind_parameter(2, recorded_at)?;
    statement.raw_bind_parameter(3, append.aggregate_id.0.as_bytes())?;
    statement.raw_bind_parameter(4, version)?;
    statement.raw_bind_parameter(5, event.event_id.0.as_bytes())?;
    statement.raw_bind_parameter(6, append.aggregate_type)?;
    statement.raw_bind_parameter(7, event.event_type)?;
    statement.raw_bind_parameter(8, event.schema_version)?;
    statement.raw_bind_parameter(9, metadata.actor.as_deref())?;
    statement.raw_bind_parameter(10, metadata.request_id.as_ref().map(Uuid::as_bytes))?;
    statement.raw_bind_parameter(11, metadata.correlation_id.as_ref().map(Uuid::as_bytes))?;
    statement.raw_bind_parameter(12, metadata.causation_id.as_ref().map(Uuid::as_bytes))?;
    statement.raw_bind_parameter(13, event.data.as_str())?;
    statement.raw_bind_parameter(14, event.sealed.as_deref())
}
