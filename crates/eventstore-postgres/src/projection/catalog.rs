//! Which projections there are, and how far each of their generations has come.

use deadpool_postgres::Transaction;
use eventstore::{
    AggregateId, Checkpoint, EventId, Fence, Generation, LogId, Phase, Position, Progress, ProjectionError,
    ProjectionLayout, ProjectionMode, ReadError, Slot,
};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::{lease, table};
use crate::read::{Reader, failed, get};
use crate::row::{Moment, signed, unsigned};

/// An inline one that is live is written by the appends themselves: it is at the head.
macro_rules! generations {
    ($tail:literal) => {
        concat!(
            "SELECT p.name, p.slot, p.mode, p.number, p.revision, \
                CASE WHEN h.inline THEN $1 ELSE p.log_id END, \
                CASE WHEN h.inline THEN coalesce(h.position, 0) ELSE p.position END, \
                CASE WHEN h.inline THEN h.event_id ELSE p.event_id END, \
                p.phase, p.walk_after, p.events_done, p.paused, coalesce(h.recorded_at, p.updated_at), \
                (SELECT count(DISTINCT aggregate_id) FROM parked_events e \
                    WHERE e.projection = p.name AND e.number = p.number) \
            FROM projections p \
            LEFT JOIN LATERAL (SELECT true AS inline, e.position, e.event_id, e.recorded_at FROM (SELECT 1) one \
                LEFT JOIN (SELECT position, event_id, recorded_at FROM events ORDER BY position DESC LIMIT 1) e ON true \
            ) h ON p.mode = 'inline' AND p.slot = 'live' ",
            $tail
        )
    };
}

const ALL: &str = generations!("ORDER BY p.name, p.slot");
const ONE: &str = generations!("WHERE p.name = $2 AND p.slot = $3");
/// Whoever changes a generation holds its row: two that go on from the same place do it one after the other, and the
/// second finds that it has moved.
const HOLD_ONE: &str = "SELECT 1 FROM projections WHERE name = $1 AND slot = $2 FOR UPDATE";
const HOLD_ALL: &str = "SELECT 1 FROM projections WHERE name = $1 ORDER BY slot FOR UPDATE";
const INSERT: &str = "INSERT INTO projections \
    (name, slot, mode, number, revision, log_id, position, event_id, phase, walk_after, events_done, paused, updated_at) \
    SELECT $1, $2, $3, $4, $5, $6, coalesce(e.position, 0), e.event_id, $7, NULL, 0, NULL, \
        coalesce($9::timestamptz, clock_timestamp()) FROM (SELECT 1) one \
    LEFT JOIN (SELECT position, event_id FROM events WHERE position <= $8 ORDER BY position DESC LIMIT 1) e ON true \
    ON CONFLICT (name, slot) DO NOTHING";
const ADVANCE: &str = "UPDATE projections SET log_id = $3, position = $4, event_id = $5, phase = $6, walk_after = $7, \
    events_done = $8, updated_at = coalesce($9::timestamptz, clock_timestamp()) WHERE name = $1 AND slot = $2";
const PAUSE: &str = "UPDATE projections SET paused = $3 WHERE name = $1 AND slot = $2";

/// What every step of a projection works with: its transaction, and the time.
pub(super) struct Step<'c> {
    pub(super) transaction: Transaction<'c>,
    pub(super) log_id: LogId,
    /// The tests'; `None` asks the database for its own.
    pub(super) now: Option<Moment>,
}

impl Step<'_> {
    pub(super) async fn rows(
        &self,
        sql: &str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, ReadError> {
        let prepared = self.transaction.prepare_cached(sql).await.map_err(failed)?;
        self.transaction.query(&prepared, parameters).await.map_err(failed)
    }

    pub(super) async fn execute(
        &self,
        sql: &str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<u64, ReadError> {
        let prepared = self.transaction.prepare_cached(sql).await.map_err(failed)?;
        self.transaction.execute(&prepared, parameters).await.map_err(failed)
    }

    /// Statements without parameters, and without an answer.
    pub(super) async fn say(&self, statements: &str) -> Result<(), ReadError> {
        self.transaction.batch_execute(statements).await.map_err(failed)
    }

    pub(super) async fn commit(self) -> Result<(), ReadError> {
        self.transaction.commit().await.map_err(failed)
    }
}

/// A generation, and what the port does not say about it.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) mode: ProjectionMode,
    pub(super) generation: Generation,
}

impl Entry {
    /// Whether it is written by the appends themselves, so that it is at the head.
    pub(super) fn is_written_inline(&self) -> bool {
        self.mode == ProjectionMode::Inline && self.generation.slot == Slot::Live
    }

    pub(super) fn progress(&self) -> Progress {
        Progress { checkpoint: self.generation.checkpoint, phase: self.generation.phase }
    }
}

/// Makes one projection known.
pub(super) async fn declare(
    step: &Step<'_>,
    layout: &'static ProjectionLayout,
) -> Result<(), ProjectionError> {
    let phase = match layout.mode {
        ProjectionMode::Inline => Phase::Tailing,
        ProjectionMode::Async => Phase::Walking { after: None, events_done: 0 },
    };
    insert(step, layout, Slot::Live, 1, phase, Position(u64::MAX)).await?;
    let live = hold(step, layout.name, Slot::Live).await?.ok_or(ProjectionError::Missing)?;
    // An older binary does not know what a newer one has found in these rows.
    if live.generation.revision <= layout.revision {
        table::list(step, layout, Slot::Live, live.generation.number).await?;
    }
    Ok(())
}

/// A generation that stands, or will, at the last event up to a position. Nothing happens if there is one in this slot.
pub(super) async fn insert(
    step: &Step<'_>,
    layout: &ProjectionLayout,
    slot: Slot,
    number: u32,
    phase: Phase,
    up_to: Position,
) -> Result<(), ReadError> {
    let parameters: [&(dyn ToSql + Sync); 9] = [
        &layout.name,
        &slot.as_str(),
        &mode_name(layout.mode),
        &number.cast_signed(),
        &i32::from(layout.revision),
        &step.log_id.0,
        &phase_name(phase),
        &signed(up_to.0),
        &step.now,
    ];
    step.execute(INSERT, &parameters).await?;
    Ok(())
}

/// Where the generation stands from now on.
pub(super) async fn advance(step: &Step<'_>, name: &str, slot: Slot, to: Progress) -> Result<(), ReadError> {
    let (after, events_done) = match to.phase {
        Phase::Walking { after, events_done } => (after.map(|stream| stream.0), events_done),
        Phase::Tailing => (None, 0),
    };
    let parameters: [&(dyn ToSql + Sync); 9] = [
        &name,
        &slot.as_str(),
        &to.checkpoint.log_id.0,
        &signed(to.checkpoint.position.0),
        &to.checkpoint.event_id.map(|id| id.0),
        &phase_name(to.phase),
        &after,
        &signed(events_done),
        &step.now,
    ];
    step.execute(ADVANCE, &parameters).await?;
    Ok(())
}

pub(super) async fn generations(reader: &Reader, log_id: LogId) -> Result<Vec<Generation>, ProjectionError> {
    let rows = reader.rows(ALL, &[&log_id.0]).await?;
    Ok(rows.iter().map(|row| Ok(entry(row)?.generation)).collect::<Result<_, ReadError>>()?)
}

/// One generation, which nobody else changes until this step ends.
pub(super) async fn hold(step: &Step<'_>, name: &str, slot: Slot) -> Result<Option<Entry>, ReadError> {
    // A statement of its own: what is read after it is what stands there now.
    step.rows(HOLD_ONE, &[&name, &slot.as_str()]).await?;
    find(step, name, slot).await
}

/// All of a projection's generations, against whoever writes or exchanges them.
pub(super) async fn hold_all(step: &Step<'_>, name: &str) -> Result<(), ReadError> {
    step.rows(HOLD_ALL, &[&name]).await?;
    Ok(())
}

pub(super) async fn find(step: &Step<'_>, name: &str, slot: Slot) -> Result<Option<Entry>, ReadError> {
    let rows = step.rows(ONE, &[&step.log_id.0, &name, &slot.as_str()]).await?;
    rows.first().map(entry).transpose()
}

pub(super) async fn pause(
    step: &Step<'_>,
    projection: &str,
    fence: Fence,
    slot: Slot,
    reason: Option<&str>,
) -> Result<(), ProjectionError> {
    hold(step, projection, slot).await?;
    lease::check(step, projection, fence).await?;
    let paused = step.execute(PAUSE, &[&projection, &slot.as_str(), &reason]).await?;
    if paused == 1 { Ok(()) } else { Err(ProjectionError::Missing) }
}

fn entry(row: &Row) -> Result<Entry, ReadError> {
    let (slot, mode, phase): (&str, &str, &str) = (get(row, 1)?, get(row, 2)?, get(row, 8)?);
    let phase = match phase {
        "walking" => Phase::Walking {
            after: get::<Option<_>>(row, 9)?.map(AggregateId),
            events_done: unsigned(get(row, 10)?)?,
        },
        "tailing" => Phase::Tailing,
        other => return Err(unknown(other)),
    };
    let generation = Generation {
        projection: get(row, 0)?,
        slot: Slot::parse(slot).ok_or_else(|| unknown(slot))?,
        number: get::<i32>(row, 3)?.cast_unsigned(),
        revision: u16::try_from(get::<i32>(row, 4)?).map_err(|_| unknown("a revision"))?,
        checkpoint: Checkpoint {
            log_id: LogId(get(row, 5)?),
            position: Position(unsigned(get(row, 6)?)?),
            event_id: get::<Option<_>>(row, 7)?.map(EventId),
        },
        phase,
        paused: get(row, 11)?,
        parked_streams: unsigned(get(row, 13)?)?,
        updated_at: get::<Moment>(row, 12)?.timestamp()?,
    };
    let modes = [ProjectionMode::Inline, ProjectionMode::Async];
    let mode = modes.into_iter().find(|known| mode_name(*known) == mode).ok_or_else(|| unknown(mode))?;
    Ok(Entry { mode, generation })
}

fn unknown(word: &str) -> ReadError {
    ReadError::Corrupt(format!("{word} means nothing in the list of projections"))
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
