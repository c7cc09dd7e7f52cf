//! Generations: how one is begun beside the live one, how it takes its place, and how the old one goes.
//!
//! A generation goes in two steps. First the catalog forgets it; then its tables are emptied in slices and dropped, since
//! with `secure_delete` that writes every page of them. What a crash leaves of them is swept up by the next of these.

use eventstore::append_task::AppendQueue;
use eventstore::{
    Checkpoint, EventId, Fence, Generation, Phase, Position, ProjectionError, ProjectionLayout,
    ProjectionMode, Slot,
};
use rusqlite::{OptionalExtension, params};
use tracing::warn;

use super::catalog::Entry;
use super::table::malformed;
use super::{Step, catalog, lease, schema, table, take_losable, trigrams};
use crate::read::{failed, uuid};
use crate::row::signed;
use crate::writer::Writer;

/// Rows that are deleted at once: some milliseconds, with half a dozen indexes whose pages all change.
const SLICE: u32 = 100;

const EVENT_ID: &str = "SELECT event_id FROM events WHERE position = ?1";
/// Beyond every generation and every table that is still to be dropped.
const NEXT_NUMBER: &str = "SELECT 1 + max(
    coalesce((SELECT max(number) FROM projections WHERE name = ?1), 0),
    coalesce((SELECT max(number) FROM derived_tables WHERE projection = ?1), 0))";
const FORGET: &str = "DELETE FROM projections WHERE name = ?1 AND slot = ?2";
const FORGET_PARKED: &str = "DELETE FROM parked_events WHERE projection = ?1 AND number = ?2";
const TABLES: &str = "SELECT base_name FROM derived_tables WHERE projection = ?1 AND number = ?2";
const RENAME: &str = "UPDATE derived_tables SET table_name = ?2 WHERE table_name = ?1";
/// What the new live generation has no table for stays, and is its from now on.
const ADOPT: &str =
    "UPDATE derived_tables SET number = ?3 WHERE projection = ?1 AND number = ?2 AND table_name = base_name";
const GARBAGE: &str = "SELECT d.table_name FROM derived_tables d WHERE NOT EXISTS
    (SELECT 1 FROM projections p WHERE p.name = d.projection AND p.number = d.number) LIMIT 1";
const DROPPED: &str = "DELETE FROM derived_tables WHERE table_name = ?1";

/// For the test that looks at their plans.
#[cfg(test)]
pub(super) const STATEMENTS: &[&str] =
    &[EVENT_ID, NEXT_NUMBER, FORGET, FORGET_PARKED, TABLES, RENAME, ADOPT, DROPPED];
#[cfg(test)]
pub(super) const SMALL: &[&str] = &[GARBAGE];

pub(super) fn begin(
    step: &Step<'_>,
    layout: &'static ProjectionLayout,
    fence: Fence,
    up_to: Position,
) -> Result<Generation, ProjectionError> {
    lease::check(step, layout.name, fence)?;
    catalog::find(step, layout.name, Slot::Live)?;
    forget(step, layout.name, Slot::Next)?;
    let number = next_number(step, layout.name).map_err(failed)?;
    for table in layout.tables {
        schema::copy(step.connection, table.name, &table.name_in(Slot::Next, number), number)?;
    }
    table::register(step, layout, Slot::Next, number).map_err(failed)?;
    let phase = Phase::Walking { after: None, events_done: 0 };
    let begun = Entry::new(step, layout, Slot::Next, number, checkpoint(step, up_to)?, phase);
    catalog::insert(step, &begun).map_err(failed)?;
    Ok(begun.generation)
}

fn next_number(step: &Step<'_>, name: &str) -> rusqlite::Result<u32> {
    step.connection.prepare_cached(NEXT_NUMBER)?.query_row([name], |row| row.get(0))
}

fn checkpoint(step: &Step<'_>, position: Position) -> Result<Checkpoint, ProjectionError> {
    let look = || {
        let mut statement = step.connection.prepare_cached(EVENT_ID)?;
        statement.query_row([signed(position.0)], |row| uuid(row, 0).map(EventId)).optional()
    };
    let event_id = look().map_err(failed)?;
    if event_id.is_none() && position > Position::START {
        return Err(malformed(format!("there is no event at {position}")));
    }
    Ok(Checkpoint { log_id: step.log_id, position, event_id })
}

/// The indexes have been there from the start: making them at once would keep appends waiting.
pub(super) fn walked(
    step: &Step<'_>,
    layout: &ProjectionLayout,
    slot: Slot,
    fence: Fence,
) -> Result<(), ProjectionError> {
    lease::check(step, layout.name, fence)?;
    let mut progress = catalog::find(step, layout.name, slot)?.progress();
    progress.phase = Phase::Tailing;
    Ok(catalog::advance(step, layout.name, slot, progress).map_err(failed)?)
}

pub(super) fn swap_async(
    step: &Step<'_>,
    layout: &ProjectionLayout,
    fence: Fence,
    slot: Slot,
) -> Result<(), ProjectionError> {
    match layout.mode {
        ProjectionMode::Async => swap(step, layout, fence, slot),
        ProjectionMode::Inline => {
            Err(malformed("an inline projection is swapped while appends are held".to_owned()))
        }
    }
}

/// In one transaction: a reader's statement sees the tables of one generation, before it or after it.
pub(super) fn swap(
    step: &Step<'_>,
    layout: &ProjectionLayout,
    fence: Fence,
    slot: Slot,
) -> Result<(), ProjectionError> {
    lease::check(step, layout.name, fence)?;
    if slot == Slot::Live {
        return Err(malformed("the live generation is live".to_owned()));
    }
    let (mut coming, mut live) =
        (catalog::find(step, layout.name, slot)?, catalog::find(step, layout.name, Slot::Live)?);
    if is_behind(&coming, &live) {
        return Err(ProjectionError::Behind);
    }
    for taken in [Slot::Prior, slot] {
        if taken == Slot::Prior && slot != Slot::Prior {
            forget(step, layout.name, taken)?;
        } else {
            forget_entry(step, layout.name, taken).map_err(failed)?;
        }
    }
    forget_entry(step, layout.name, Slot::Live).map_err(failed)?;
    (coming.generation.slot, live.generation.slot) = (Slot::Live, Slot::Prior);
    for entry in [&coming, &live] {
        catalog::insert(step, entry).map_err(failed)?;
    }
    rename(step, layout.name, live.generation.number, coming.generation.number)
}

/// An inline generation that is live is written by each append: what takes its place must be at the head.
fn is_behind(coming: &Entry, live: &Entry) -> bool {
    let (checkpoint, to_reach) = (coming.generation.checkpoint, live.generation.checkpoint);
    coming.generation.phase != Phase::Tailing
        || match coming.mode {
            ProjectionMode::Async => {
                live.generation.paused.is_none() && checkpoint.position < to_reach.position
            }
            ProjectionMode::Inline => checkpoint != to_reach,
        }
}

fn rename(step: &Step<'_>, name: &str, live: u32, coming: u32) -> Result<(), ProjectionError> {
    for table in tables(step, name, coming).map_err(failed)? {
        let names = [(table.clone(), format!("{table}__g{live}")), (format!("{table}__g{coming}"), table)];
        for (from, to) in names {
            trigrams::rename(step.connection, &from, &to)?;
            let noted = || step.connection.prepare_cached(RENAME)?.execute([&from, &to]);
            noted().map_err(failed)?;
        }
    }
    let adopted = || step.connection.prepare_cached(ADOPT)?.execute(params![name, live, coming]);
    adopted().map_err(failed)?;
    Ok(())
}

/// The declared names of a generation's tables.
fn tables(step: &Step<'_>, name: &str, number: u32) -> rusqlite::Result<Vec<String>> {
    let mut statement = step.connection.prepare_cached(TABLES)?;
    statement.query_map(params![name, number], |row| row.get(0))?.collect()
}

pub(super) fn retire(
    step: &Step<'_>,
    layout: &ProjectionLayout,
    fence: Fence,
    slot: Slot,
) -> Result<(), ProjectionError> {
    lease::check(step, layout.name, fence)?;
    if slot == Slot::Live {
        return Err(malformed("the live generation cannot be retired".to_owned()));
    }
    forget(step, layout.name, slot)
}

/// Takes a generation out of the catalog, if it is there. Nobody finds its tables any more.
fn forget(step: &Step<'_>, name: &str, slot: Slot) -> Result<(), ProjectionError> {
    let Some(entry) = catalog::maybe(step, name, slot)? else { return Ok(()) };
    let number = entry.generation.number;
    let parked = || step.connection.prepare_cached(FORGET_PARKED)?.execute(params![name, number]);
    parked().map_err(failed)?;
    Ok(forget_entry(step, name, slot).map_err(failed)?)
}

fn forget_entry(step: &Step<'_>, name: &str, slot: Slot) -> rusqlite::Result<()> {
    step.connection.prepare_cached(FORGET)?.execute([name, slot.as_str()]).map(drop)
}

/// Drops the tables of generations that are in the catalog no longer. Appends go on between the slices.
pub(super) async fn sweep(queue: &AppendQueue<Writer>) {
    loop {
        match take_losable(queue, sweep_slice).await {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => {
                return warn!(%error, "tables of a generation that is gone are left for later");
            }
        }
    }
}

/// Whether there may be more.
fn sweep_slice(step: &Step<'_>) -> Result<bool, ProjectionError> {
    let find = || step.connection.prepare_cached(GARBAGE)?.query_row([], |row| row.get(0)).optional();
    let Some(table): Option<String> = find().map_err(failed)? else { return Ok(false) };
    if trigrams::drop_some(step.connection, &table, SLICE).map_err(failed)? {
        return Ok(true);
    }
    if schema::delete_some(step.connection, &table, SLICE).map_err(failed)? == 0 {
        schema::drop(step.connection, &table).map_err(failed)?;
        let noted = || step.connection.prepare_cached(DROPPED)?.execute([&table]);
        noted().map_err(failed)?;
    }
    Ok(true)
}
