//! Generations: how one is begun beside the live one, how it takes its place, and how the old one goes.
//!
//! The role of the service may not change tables: functions that the migration made do it, on tables of projections only.

use std::time::Duration;

use eventstore::{
    AppendError, Deadline, Fence, Generation, Phase, Position, Progress, ProjectionError, ProjectionLayout,
    ProjectionMode, ReadError, Slot,
};
use tokio::time::{sleep, timeout_at};
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;

use super::apply::NO_ERASURE;
use super::catalog::{Entry, Step};
use super::{catalog, lease, table};
use crate::read::{Reader, failed, get};

const MAKE: &str = "SELECT make_generation($1, $2)";
const INDEX: &str = "SELECT index_generation($1, $2)";
const SWAP: &str = "SELECT swap_generation($1, $2, $3, $4)";
const DROP: &str =
    "SELECT drop_generation(base_name, number) FROM derived_tables WHERE projection = $1 AND number = $2";
const TABLES: &str =
    "SELECT base_name FROM derived_tables WHERE projection = $1 AND number = $2 ORDER BY base_name";
const FORGET_TABLES: &str = "DELETE FROM derived_tables WHERE projection = $1 AND number = $2";
const FORGET_PARKED: &str = "DELETE FROM parked_events WHERE projection = $1 AND number = $2";
const FORGET: &str = "DELETE FROM projections WHERE name = $1 AND slot = $2";
/// Two rows trade what they hold, so that no slot is there twice in between.
const EXCHANGE: &str = "UPDATE projections a SET mode = b.mode, number = b.number, revision = b.revision, \
    log_id = b.log_id, position = b.position, event_id = b.event_id, phase = b.phase, walk_after = b.walk_after, \
    events_done = b.events_done, paused = b.paused, updated_at = b.updated_at FROM projections b \
    WHERE a.name = $1 AND b.name = $1 AND ((a.slot = 'live' AND b.slot = $2) OR (a.slot = $2 AND b.slot = 'live'))";
const SHELVE: &str = "UPDATE projections SET slot = 'prior' WHERE name = $1 AND slot = 'next'";
const RENAME_LIVE: &str = "UPDATE derived_tables SET table_name = base_name || '__g' || number \
    WHERE projection = $1 AND number = $2 AND base_name = ANY ($3)";
const RENAME_OTHER: &str =
    "UPDATE derived_tables SET table_name = base_name WHERE projection = $1 AND number = $2";
/// What the new live generation has no table for stays, and is its from now on.
const ADOPT: &str = "UPDATE derived_tables SET number = $3 \
    WHERE projection = $1 AND number = $2 AND table_name = base_name";

/// An index takes as long as it takes.
const NO_HURRY: &str = "SET LOCAL statement_timeout = 0";

/// Whoever reads a table waits behind somebody who waits to rename it: for so long, and no longer.
const BE_QUICK: &str = "SET LOCAL lock_timeout = '200ms'";

/// Excludes appends that erase, before they wait for anything else: an index keeps them from its table while it is made.
const INDEXING: &str =
    "SELECT pg_advisory_xact_lock_shared(hashtextextended('indexing of ' || current_schema(), 0))";

/// Whether no index is being made.
const NO_INDEXING: &str =
    "SELECT pg_try_advisory_xact_lock(hashtextextended('indexing of ' || current_schema(), 0))";
const INDEXING_PAUSE: Duration = Duration::from_millis(100);

/// Keeps an append that erases waiting while an index is made, before it is queued: in the queue it would keep others
/// waiting too.
pub(crate) async fn wait_for_indexes(reader: &Reader, deadline: Deadline) -> Result<(), AppendError> {
    loop {
        let rows = reader.rows(NO_INDEXING, &[]).await.map_err(|_| AppendError::StoreDown)?;
        if rows.first().is_some_and(|row| row.get(0)) {
            return Ok(());
        }
        if timeout_at(deadline.0.into(), sleep(INDEXING_PAUSE)).await.is_err() {
            return Err(AppendError::DeadlineBeforeStart);
        }
    }
}

pub(super) async fn begin(
    step: Step<'_>,
    layout: &'static ProjectionLayout,
    fence: Fence,
    up_to: Position,
) -> Result<Generation, ProjectionError> {
    exclude(&step, layout, fence).await?;
    let mut number = 0;
    for slot in Slot::ALL {
        let entry = catalog::find(&step, layout.name, slot).await?;
        if slot == Slot::Live && entry.is_none() {
            return Err(ProjectionError::Missing);
        }
        number = entry.map_or(0, |entry| entry.generation.number).max(number);
    }
    let number = number + 1;
    forget(&step, layout, Slot::Next).await?;
    let walking = Phase::Walking { after: None, events_done: 0 };
    catalog::insert(&step, layout, Slot::Next, number, walking, up_to).await?;
    table::list(&step, layout, Slot::Next, number).await?;
    for table in layout.tables {
        step.rows(MAKE, &[&table.name, &number.cast_signed()]).await?;
    }
    let begun = catalog::find(&step, layout.name, Slot::Next).await?.ok_or(ProjectionError::Missing)?;
    if begun.generation.checkpoint.position != up_to {
        return Err(ReadError::Malformed(format!("there is no event at {up_to}").into()).into());
    }
    step.commit().await?;
    Ok(begun.generation)
}

pub(super) async fn walked(
    step: Step<'_>,
    layout: &'static ProjectionLayout,
    slot: Slot,
    fence: Fence,
) -> Result<(), ProjectionError> {
    let entry = catalog::hold(&step, layout.name, slot).await?;
    lease::check(&step, layout.name, fence).await?;
    let entry = entry.ok_or(ProjectionError::Missing)?;
    if slot != Slot::Live {
        index(&step, layout, entry.generation.number).await?;
    }
    if entry.generation.phase != Phase::Tailing {
        let to = Progress { phase: Phase::Tailing, ..entry.progress() };
        catalog::advance(&step, layout.name, slot, to).await?;
    }
    Ok(step.commit().await?)
}

/// The indexes that the live tables have and these do not.
async fn index(step: &Step<'_>, layout: &ProjectionLayout, number: u32) -> Result<(), ReadError> {
    step.rows(INDEXING, &[]).await?;
    step.rows(NO_ERASURE, &[]).await?;
    step.say(NO_HURRY).await?;
    for table in layout.tables {
        step.rows(INDEX, &[&table.name, &number.cast_signed()]).await?;
    }
    Ok(())
}

/// Swaps an async projection. False if somebody reads it for too long: ask again.
pub(super) async fn swap(
    step: Step<'_>,
    layout: &'static ProjectionLayout,
    fence: Fence,
    slot: Slot,
) -> Result<bool, ProjectionError> {
    exclude(&step, layout, fence).await?;
    let (live, other) = pair(&step, layout, slot).await?;
    if live.mode == ProjectionMode::Inline {
        return Err(
            ReadError::Malformed("an inline projection is swapped while appends are held".into()).into()
        );
    }
    let is_behind = other.generation.checkpoint.position < live.generation.checkpoint.position;
    if is_behind && live.generation.paused.is_none() {
        return Err(ProjectionError::Behind);
    }
    exchange(step, layout, &live, &other, None).await
}

/// Swaps an inline projection, while nobody appends.
pub(super) async fn swap_inline(
    step: Step<'_>,
    layout: &'static ProjectionLayout,
    fence: Fence,
    slot: Slot,
    writes: Option<&str>,
) -> Result<bool, ProjectionError> {
    // An append that erases may hold the lock against us, and waits for ours: it has looked at nothing yet.
    catalog::hold_all(&step, layout.name).await?;
    lease::check(&step, layout.name, fence).await?;
    let (live, other) = pair(&step, layout, slot).await?;
    // That of the live generation is the head.
    if other.generation.checkpoint != live.generation.checkpoint {
        return Err(ProjectionError::Behind);
    }
    exchange(step, layout, &live, &other, writes).await
}

pub(super) async fn retire(
    step: Step<'_>,
    layout: &'static ProjectionLayout,
    fence: Fence,
    slot: Slot,
) -> Result<(), ProjectionError> {
    if slot == Slot::Live {
        return Err(ReadError::Malformed("the live generation is not retired".into()).into());
    }
    exclude(&step, layout, fence).await?;
    forget(&step, layout, slot).await?;
    Ok(step.commit().await?)
}

/// Against whoever writes, exchanges or erases; and nobody does it without the right.
async fn exclude(step: &Step<'_>, layout: &ProjectionLayout, fence: Fence) -> Result<(), ProjectionError> {
    catalog::hold_all(step, layout.name).await?;
    lease::check(step, layout.name, fence).await?;
    step.rows(NO_ERASURE, &[]).await?;
    Ok(())
}

/// The live generation, and the one that is to take its place.
async fn pair(
    step: &Step<'_>,
    layout: &ProjectionLayout,
    slot: Slot,
) -> Result<(Entry, Entry), ProjectionError> {
    let live = catalog::find(step, layout.name, Slot::Live).await?.ok_or(ProjectionError::Missing)?;
    let other = catalog::find(step, layout.name, slot).await?.ok_or(ProjectionError::Missing)?;
    match other.generation.phase {
        Phase::Tailing if slot != Slot::Live => Ok((live, other)),
        Phase::Tailing => Err(ProjectionError::Missing),
        Phase::Walking { .. } => Err(ProjectionError::Behind),
    }
}

/// The tables come last: from then on readers wait for the end of the transaction.
async fn exchange(
    step: Step<'_>,
    layout: &ProjectionLayout,
    live: &Entry,
    other: &Entry,
    writes: Option<&str>,
) -> Result<bool, ProjectionError> {
    let slot = other.generation.slot;
    if slot == Slot::Next {
        forget(&step, layout, Slot::Prior).await?;
    }
    step.execute(EXCHANGE, &[&layout.name, &slot.as_str()]).await?;
    if slot == Slot::Next {
        step.execute(SHELVE, &[&layout.name]).await?;
    }
    if live.is_written_inline() {
        // What stands there is from before it was written inline.
        catalog::advance(&step, layout.name, Slot::Prior, live.progress()).await?;
    }
    let (from, to) = (live.generation.number.cast_signed(), other.generation.number.cast_signed());
    let rows = step.rows(TABLES, &[&layout.name, &to]).await?;
    let tables: Vec<String> = rows.iter().map(|row| get(row, 0)).collect::<Result<_, ReadError>>()?;
    step.execute(RENAME_LIVE, &[&layout.name, &from, &tables]).await?;
    step.execute(ADOPT, &[&layout.name, &from, &to]).await?;
    step.execute(RENAME_OTHER, &[&layout.name, &to]).await?;
    step.say(BE_QUICK).await?;
    let parameters: [&(dyn ToSql + Sync); 4] = [&tables, &from, &to, &writes];
    match step.transaction.query(SWAP, &parameters).await {
        Ok(_) => Ok(step.commit().await.map(|()| true)?),
        Err(error) if error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE) => Ok(false),
        Err(error) => Err(failed(error).into()),
    }
}

/// Drops what stands in a slot, if anything does.
async fn forget(step: &Step<'_>, layout: &ProjectionLayout, slot: Slot) -> Result<(), ReadError> {
    let Some(entry) = catalog::find(step, layout.name, slot).await? else { return Ok(()) };
    let number = entry.generation.number.cast_signed();
    step.rows(DROP, &[&layout.name, &number]).await?;
    for forget in [FORGET_TABLES, FORGET_PARKED] {
        step.execute(forget, &[&layout.name, &number]).await?;
    }
    step.execute(FORGET, &[&layout.name, &slot.as_str()]).await?;
    Ok(())
}
