//! Which projections there are, and how far each of their generations has come.

use std::cell::Cell;

use eventstore::{
    AggregateId, Checkpoint, EventId, Fence, Generation, LogId, Phase, Position, Progress, ProjectionError,
    ProjectionLayout, ProjectionMode, Slot,
};
use jiff::Timestamp;
use rusqlite::types::Type;
use rusqlite::{Connection, Error, OptionalExtension, Row, Transaction, TransactionBehavior, params};

use super::{lease, table};
use crate::read::{self, count, failed, maybe_uuid, time, uuid};
use crate::row::signed;

macro_rules! generations {
    ($tail:literal) => {
        concat!(
            "SELECT name, slot, mode, number, revision, log_id, position, event_id, phase, walk_after, events_done,
            paused, updated_at FROM projections ",
            $tail
        )
    };
}

const ALL: &str = generations!("ORDER BY name, slot");
const ONE: &str = generations!("WHERE name = ?1 AND slot = ?2");
const PARKED_STREAMS: &str =
    "SELECT count(DISTINCT aggregate_id) FROM parked_events WHERE projection = ?1 AND number = ?2";
const INSERT: &str =
    "INSERT INTO projections (name, slot, mode, number, revision, log_id, position, event_id, phase, walk_after,
    events_done, paused, updated_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";
const MOVE: &str =
    "UPDATE projections SET log_id = ?3, position = ?4, event_id = ?5, phase = ?6, walk_after = ?7,
    events_done = ?8, updated_at = ?9 WHERE name = ?1 AND slot = ?2";
const PAUSE: &str = "UPDATE projections SET paused = ?3 WHERE name = ?1 AND slot = ?2";

/// For the test that looks at their plans.
#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[ONE, PARKED_STREAMS, INSERT, MOVE, PAUSE];
#[cfg(test)]
pub(super) const SMALL: &[&str] = &[ALL];

/// What every step of a projection works with, inside its transaction.
#[derive(Debug)]
pub(crate) struct Step<'c> {
    pub(crate) connection: &'c Connection,
    pub(crate) log_id: LogId,
    /// The store's clock, in microseconds.
    pub(crate) now: i64,
    /// Whether it took away what must not be found in the `-wal` either.
    pub(crate) cleaned: Cell<bool>,
}

impl<'c> Step<'c> {
    /// Takes it whole or not at all; answers too whether it cleaned.
    pub(crate) fn take<T>(
        connection: &'c Connection,
        log_id: LogId,
        now: i64,
        work: impl FnOnce(&Self) -> Result<T, ProjectionError>,
    ) -> (Result<T, ProjectionError>, bool) {
        let step = Self { connection, log_id, now, cleaned: Cell::new(false) };
        let take = || {
            let begun = Transaction::new_unchecked(connection, TransactionBehavior::Immediate);
            let transaction = begun.map_err(failed)?;
            let done = work(&step)?;
            transaction.commit().map_err(failed)?;
            Ok(done)
        };
        (take(), step.cleaned.get())
    }
}

/// A generation, and what the port does not say about it.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) mode: ProjectionMode,
    pub(super) generation: Generation,
}

impl Entry {
    pub(super) fn progress(&self) -> Progress {
        Progress { checkpoint: self.generation.checkpoint, phase: self.generation.phase }
    }
}

impl Entry {
    /// A generation as it begins.
    pub(super) fn new(
        step: &Step<'_>,
        layout: &ProjectionLayout,
        slot: Slot,
        number: u32,
        checkpoint: Checkpoint,
        phase: Phase,
    ) -> Self {
        let generation = Generation {
            projection: layout.name.to_owned(),
            slot,
            number,
            revision: layout.revision,
            checkpoint,
            phase,
            paused: None,
            parked_streams: 0,
            updated_at: Timestamp::from_microsecond(step.now).unwrap_or(Timestamp::MAX),
        };
        Self { mode: layout.mode, generation }
    }
}

pub(super) fn declare(step: &Step<'_>, layouts: &[&'static ProjectionLayout]) -> Result<(), ProjectionError> {
    let checkpoint = head(step.connection, step.log_id).map_err(failed)?;
    for layout in layouts {
        let number = if let Some(live) = maybe(step, layout.name, Slot::Live)? {
            live.generation.number
        } else {
            let first = Entry::new(step, layout, Slot::Live, 1, checkpoint, first_phase(layout.mode));
            insert(step, &first).map_err(failed)?;
            1
        };
        table::register(step, layout, Slot::Live, number).map_err(failed)?;
    }
    Ok(())
}

fn first_phase(mode: ProjectionMode) -> Phase {
    match mode {
        ProjectionMode::Inline => Phase::Tailing,
        ProjectionMode::Async => Phase::Walking { after: None, events_done: 0 },
    }
}

pub(super) fn insert(step: &Step<'_>, Entry { mode, generation }: &Entry) -> rusqlite::Result<()> {
    let (after, events_done) = walk(generation.phase);
    step.connection.prepare_cached(INSERT)?.execute(params![
        generation.projection,
        generation.slot.as_str(),
        mode_name(*mode),
        generation.number,
        generation.revision,
        generation.checkpoint.log_id.0.as_bytes(),
        signed(generation.checkpoint.position.0),
        generation.checkpoint.event_id.as_ref().map(|id| id.0.as_bytes()),
        phase_name(generation.phase),
        after.as_ref().map(|id| id.0.as_bytes()),
        signed(events_done),
        generation.paused,
        generation.updated_at.as_microsecond(),
    ])?;
    Ok(())
}

/// Where the generation stands from now on.
pub(super) fn advance(step: &Step<'_>, name: &str, slot: Slot, to: Progress) -> rusqlite::Result<()> {
    let (after, events_done) = walk(to.phase);
    step.connection.prepare_cached(MOVE)?.execute(params![
        name,
        slot.as_str(),
        to.checkpoint.log_id.0.as_bytes(),
        signed(to.checkpoint.position.0),
        to.checkpoint.event_id.as_ref().map(|id| id.0.as_bytes()),
        phase_name(to.phase),
        after.as_ref().map(|id| id.0.as_bytes()),
        signed(events_done),
        step.now,
    ])?;
    Ok(())
}

pub(super) fn generations(
    connection: &Connection,
    log_id: LogId,
) -> Result<Vec<Generation>, ProjectionError> {
    // One moment for the catalog, the parked and the head.
    let moment = connection.unchecked_transaction().map_err(failed)?;
    let read = || {
        let mut statement = moment.prepare_cached(ALL)?;
        let entries = statement.query_map([], entry)?;
        let generations = entries.map(|entry| Ok(complete(&moment, log_id, entry?)?.generation));
        generations.collect::<rusqlite::Result<_>>()
    };
    Ok(read().map_err(failed)?)
}

/// One generation, which must be there.
pub(super) fn find(step: &Step<'_>, name: &str, slot: Slot) -> Result<Entry, ProjectionError> {
    maybe(step, name, slot)?.ok_or(ProjectionError::Missing)
}

pub(super) fn maybe(step: &Step<'_>, name: &str, slot: Slot) -> Result<Option<Entry>, ProjectionError> {
    let find = || {
        let mut statement = step.connection.prepare_cached(ONE)?;
        let found = statement.query_row(params![name, slot.as_str()], entry).optional()?;
        found.map(|entry| complete(step.connection, step.log_id, entry)).transpose()
    };
    Ok(find().map_err(failed)?)
}

pub(super) fn pause(
    step: &Step<'_>,
    projection: &str,
    fence: Fence,
    slot: Slot,
    reason: Option<&str>,
) -> Result<(), ProjectionError> {
    lease::check(step, projection, fence)?;
    let paused =
        || step.connection.prepare_cached(PAUSE)?.execute(params![projection, slot.as_str(), reason]);
    if paused().map_err(failed)? == 1 { Ok(()) } else { Err(ProjectionError::Missing) }
}

/// The head of the log, as a checkpoint.
pub(super) fn head(connection: &Connection, log_id: LogId) -> rusqlite::Result<Checkpoint> {
    let head = read::head(connection)?;
    Ok(Checkpoint { log_id, position: head.position, event_id: head.event_id })
}

/// Adds what stands elsewhere.
fn complete(connection: &Connection, log_id: LogId, mut entry: Entry) -> rusqlite::Result<Entry> {
    // It is written by the appends themselves.
    let inline = entry.mode == ProjectionMode::Inline && entry.generation.slot == Slot::Live;
    let generation = &mut entry.generation;
    generation.parked_streams = connection
        .prepare_cached(PARKED_STREAMS)?
        .query_row(params![generation.projection, generation.number], |row| count(row, 0))?;
    if inline {
        let head = read::head(connection)?;
        generation.checkpoint = Checkpoint { log_id, position: head.position, event_id: head.event_id };
        generation.updated_at = head.recorded_at.unwrap_or(generation.updated_at);
    }
    Ok(entry)
}

fn entry(row: &Row<'_>) -> rusqlite::Result<Entry> {
    let (after, events_done) = (maybe_uuid(row, 9)?.map(AggregateId), count(row, 10)?);
    let phase = word(row, 8, |text| match text {
        "walking" => Some(Phase::Walking { after, events_done }),
        "tailing" => Some(Phase::Tailing),
        _ => None,
    });
    let mode = word(row, 2, |text| {
        [ProjectionMode::Inline, ProjectionMode::Async].into_iter().find(|mode| mode_name(*mode) == text)
    });
    let generation = Generation {
        projection: row.get(0)?,
        slot: word(row, 1, Slot::parse)?,
        number: row.get(3)?,
        revision: row.get(4)?,
        checkpoint: Checkpoint {
            log_id: LogId(uuid(row, 5)?),
            position: Position(count(row, 6)?),
            event_id: maybe_uuid(row, 7)?.map(EventId),
        },
        phase: phase?,
        paused: row.get(11)?,
        parked_streams: 0,
        updated_at: time(row, 12)?,
    };
    Ok(Entry { mode: mode?, generation })
}

/// A column that holds one of a few words.
fn word<T>(row: &Row<'_>, index: usize, parse: impl FnOnce(&str) -> Option<T>) -> rusqlite::Result<T> {
    let text: String = row.get(index)?;
    parse(&text).ok_or_else(|| Error::FromSqlConversionFailure(index, Type::Text, text.into()))
}

/// How far a walk has come.
fn walk(phase: Phase) -> (Option<AggregateId>, u64) {
    match phase {
        Phase::Walking { after, events_done } => (after, events_done),
        Phase::Tailing => (None, 0),
    }
}

fn mode_name(mode: ProjectionMode) -> &'static str {
    match mode {
        ProjectionMode::Inline => "inline",
        ProjectionMode::Async => "async",
    }
}

fn phase_name(phase: Phase) -> &'static str {
    match phase {
        Phase::Walking { .. } => "walking",
        Phase::Tailing => "tailing",
    }
}
