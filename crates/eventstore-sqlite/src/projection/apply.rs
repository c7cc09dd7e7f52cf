//! One step of a generation: its rows, what it parks, and where it stands afterwards.

use eventstore::{InlineTable, ProjectionBatch, ProjectionChange, ProjectionError, ProjectionTable};

use super::table::{Cleaning, TableWriting};
use super::trigrams::Changes;
use super::{Step, catalog, lease, parked};
use crate::read::failed;

pub(super) fn apply(step: &Step<'_>, batch: &ProjectionBatch) -> Result<(), ProjectionError> {
    let ProjectionBatch { layout, slot, .. } = *batch;
    lease::check(step, layout.name, batch.fence)?;
    let entry = catalog::find(step, layout.name, slot)?;
    if entry.progress() != batch.from {
        return Err(ProjectionError::Moved);
    }
    let number = entry.generation.number;
    let names = layout.tables.iter().map(|table| (*table, table.name_in(slot, number)));
    let names: Vec<_> = names.collect();
    let mut changes = Changes::default();
    rows(step, batch, &names, &mut changes)?;
    parked::change(step, layout.name, number, &batch.unpark, &batch.park).map_err(failed)?;
    if let Some(subjects) = layout.subjects {
        clean(step, batch, subjects, &names, &mut changes).map_err(failed)?;
    }
    changes.write(step.connection).map_err(failed)?;
    catalog::advance(step, layout.name, slot, batch.to).map_err(failed)?;
    Ok(())
}

type Names = [(&'static ProjectionTable, String)];

/// Stream deletions come first, then the other deletions, then what is put.
fn rows(
    step: &Step<'_>,
    batch: &ProjectionBatch,
    names: &Names,
    changes: &mut Changes,
) -> Result<(), ProjectionError> {
    let tables: Vec<_> = names.iter().map(|(table, name)| TableWriting::new(table, name)).collect();
    let find = |table: &'static ProjectionTable| {
        let place = names.iter().position(|(known, _)| std::ptr::eq(*known, table) || *known == table);
        place.map(|place| &tables[place]).ok_or_else(|| {
            super::table::malformed(format!("{} is no table of {}", table.name, batch.layout.name))
        })
    };
    for row in &batch.rows {
        if let ProjectionChange::DeleteStream(stream) = row.change {
            find(row.table)?.delete_stream(step.connection, stream, changes)?;
        }
    }
    for row in &batch.rows {
        if let ProjectionChange::Delete(key) = &row.change {
            find(row.table)?.delete(step.connection, key, changes)?;
        }
    }
    for row in &batch.rows {
        if let ProjectionChange::Put(row_put) = &row.change {
            find(row.table)?.put(step.connection, row_put, changes)?;
        }
    }
    Ok(())
}

/// Takes back what is personal about streams that have been erased. Nobody erases meanwhile: that is the writer's too.
fn clean(
    step: &Step<'_>,
    batch: &ProjectionBatch,
    subjects: &InlineTable,
    names: &Names,
    changes: &mut Changes,
) -> rusqlite::Result<()> {
    let cleanings: Vec<_> = names.iter().filter_map(|(table, name)| Cleaning::of(table, name)).collect();
    let look = format!("SELECT 1 FROM {} WHERE {} = ?1", subjects.name, subjects.key().name);
    let mut look = step.connection.prepare_cached(&look)?;
    for stream in &batch.streams {
        if look.exists([stream.0.as_bytes()])? {
            continue;
        }
        for cleaning in &cleanings {
            if cleaning.clean(step.connection, *stream, changes)? > 0 {
                step.cleaned.set(true);
            }
        }
    }
    Ok(())
}
