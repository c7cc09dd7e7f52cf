//! One step of a generation: its rows, what it parks, and where it stands afterwards, in one transaction.

use std::collections::HashSet;

use eventstore::{
    ColumnKind, Progress, ProjectionBatch, ProjectionChange, ProjectionError, ProjectionRow, ProjectionTable,
    ReadError, Row, Subject, Value, Writing,
};
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::catalog::Step;
use super::copy::copy;
use super::{catalog, lease, parked, table};
use crate::append::{Array, array};
use crate::read::get;

/// Rows and progress are one transaction: if the server forgets the last of them in a crash, it forgets both, and the
/// runner makes them again from the log. What is parked, or parked no longer, waits for the disk: somebody was told.
const LOSABLE: &str = "SET LOCAL synchronous_commit = off";

/// Excludes an erasure until the transaction ends. Whoever erases has it for herself, and looks at nobody's rows before.
pub(super) const NO_ERASURE: &str =
    "SELECT pg_advisory_xact_lock_shared(hashtextextended('erasure of ' || current_schema(), 0))";

pub(super) async fn apply(step: Step<'_>, batch: &ProjectionBatch) -> Result<(), ProjectionError> {
    let ProjectionBatch { layout, slot, .. } = *batch;
    if batch.park.is_empty() && batch.unpark.is_empty() {
        step.say(LOSABLE).await?;
    }
    // First: what is looked at afterwards may not change while an erasure is waited for.
    step.rows(NO_ERASURE, &[]).await?;
    let entry = catalog::hold(&step, layout.name, slot).await?;
    lease::check(&step, layout.name, batch.fence).await?;
    let entry = entry.ok_or(ProjectionError::Missing)?;
    check_progress(entry.progress(), batch.from)?;
    let gone = gone(&step, batch).await?;
    check_tables(batch)?;
    let number = entry.generation.number;
    for table in layout.tables {
        let changes = Changes::of(batch, table, &gone)?;
        changes.write(&step, &table.name_in(slot, number), batch.writing).await?;
    }
    parked::change(&step, layout.name, number, &batch.unpark, &batch.park).await?;
    catalog::advance(&step, layout.name, slot, batch.to).await?;
    Ok(step.commit().await?)
}

fn check_progress(stands: Progress, from: Progress) -> Result<(), ProjectionError> {
    if stands == from { Ok(()) } else { Err(ProjectionError::Moved) }
}

fn check_tables(batch: &ProjectionBatch) -> Result<(), ReadError> {
    let is_strange = |row: &&ProjectionRow| !batch.layout.tables.iter().any(|table| is(row, table));
    match batch.rows.iter().find(is_strange) {
        None => Ok(()),
        Some(row) => {
            let what = format!("{} is no table of {}", row.table.name, batch.layout.name);
            Err(ReadError::Malformed(what.into()))
        }
    }
}

/// One and the same is found without a comparison of every column.
fn is(row: &ProjectionRow, table: &'static ProjectionTable) -> bool {
    std::ptr::eq(row.table, table) || row.table == table
}

/// The streams whose personal data may not be kept. While nobody erases, that stays as it is.
async fn gone(step: &Step<'_>, batch: &ProjectionBatch) -> Result<HashSet<Uuid>, ReadError> {
    let Some(subjects) = batch.layout.subjects else { return Ok(HashSet::new()) };
    let streams: Vec<_> = batch.streams.iter().map(|stream| stream.0).collect();
    if streams.is_empty() {
        return Ok(HashSet::new());
    }
    step.rows(&table::absent_text(subjects), &[&streams]).await?.iter().map(|row| get(row, 0)).collect()
}

/// What a batch changes in one table.
struct Changes<'a> {
    table: &'static ProjectionTable,
    streams: Vec<Uuid>,
    deleted: Vec<&'a Row>,
    put: Vec<&'a Row>,
    /// Rows of streams that are gone, without what is personal.
    cleaned: Vec<Row>,
    gone: Vec<Uuid>,
}

impl<'a> Changes<'a> {
    fn of(
        batch: &'a ProjectionBatch,
        table: &'static ProjectionTable,
        gone: &HashSet<Uuid>,
    ) -> Result<Self, ReadError> {
        let gone_here = || gone.iter().copied().collect();
        let mut changes = Self {
            table,
            streams: Vec::new(),
            deleted: Vec::new(),
            put: Vec::new(),
            cleaned: Vec::new(),
            gone: if table.subject == Subject::Nobody { Vec::new() } else { gone_here() },
        };
        for row in batch.rows.iter().filter(|row| is(row, table)) {
            match &row.change {
                ProjectionChange::Put(row) => changes.put(row, gone)?,
                ProjectionChange::Delete(key) => {
                    check(table, key, table.key_columns)?;
                    changes.deleted.push(key);
                }
                ProjectionChange::DeleteStream(stream) => changes.streams.push(stream.0),
            }
        }
        Ok(changes)
    }

    fn put(&mut self, row: &'a Row, gone: &HashSet<Uuid>) -> Result<(), ReadError> {
        check(self.table, row, self.table.columns.len())?;
        let is_gone = matches!(row[0], Value::Uuid(stream) if gone.contains(&stream));
        if self.table.subject != Subject::Nobody && is_gone {
            self.cleaned.extend(table::cleaned(self.table, row));
        } else {
            self.put.push(row);
        }
        Ok(())
    }

    /// Stream deletions come first, then the other deletions, then what is put.
    async fn write(self, step: &Step<'_>, name: &str, writing: Writing) -> Result<(), ReadError> {
        let Self { table, streams, deleted, put, cleaned, gone } = self;
        if !streams.is_empty() {
            step.execute(&table::delete_streams_text(table, name), &[&streams]).await?;
        }
        if !deleted.is_empty() {
            let keys = arrays(table, table.key_columns, &deleted);
            step.execute(&table::delete_text(table, name), &parameters(&keys)).await?;
        }
        let put: Vec<_> = put.into_iter().chain(&cleaned).collect();
        let fresh = writing == Writing::Fresh && table.subject != Subject::Nobody;
        if fresh {
            return copy(step, table, name, &put).await;
        }
        if !put.is_empty() {
            let columns = arrays(table, table.columns.len(), &put);
            step.execute(&table::put_text(table, name), &parameters(&columns)).await?;
        }
        match table::clean_text(table, name).filter(|_| !gone.is_empty()) {
            Some(clean) => step.execute(&clean, &[&gone]).await.map(|_| ()),
            None => Ok(()),
        }
    }
}

/// Whether a row, or a key, fits its table.
fn check(table: &ProjectionTable, row: &Row, columns: usize) -> Result<(), ReadError> {
    let stands_alone = |value: &Value| !matches!(value, Value::RecordedAt | Value::LastPosition);
    let fits = |(value, kind): (&Value, ColumnKind)| value.fits(kind) && stands_alone(value);
    let kinds = table.columns.iter().map(|column| column.kind);
    if row.len() == columns && row.iter().zip(kinds).all(fits) {
        return Ok(());
    }
    Err(ReadError::Malformed(format!("a row does not fit {}", table.name).into()))
}

fn arrays<'a>(table: &ProjectionTable, columns: usize, rows: &[&'a Row]) -> Vec<Array<'a>> {
    let columns = table.columns[..columns].iter().enumerate();
    columns.map(|(n, column)| array(column.kind, rows.iter().map(|row| &row[n]))).collect()
}

fn parameters<'a>(arrays: &'a [Array<'_>]) -> Vec<&'a (dyn ToSql + Sync)> {
    arrays.iter().map(Array::many).collect()
}
