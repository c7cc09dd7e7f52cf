//! The tables of projections, as declared: which there are, and the SQL that reads and writes them.
//!
//! Names come from declarations in the product's source, never from data.

use eventstore::{
    AggregateId, ColumnClass, InlineColumn, InlineTable, OnErasure, ProjectionError, ProjectionLayout,
    ProjectionTable, ReadError, Row, Slot, Subject, Value,
};
use tokio_postgres::types::ToSql;

use super::catalog::Step;
use crate::append::element;
use crate::read::{Reader, get};
use crate::row::{self, Parameter};

const LIST: &str = "INSERT INTO derived_tables (table_name, base_name, projection, number, id_column, redacts) \
    VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (table_name) DO UPDATE SET base_name = EXCLUDED.base_name, \
    projection = EXCLUDED.projection, number = EXCLUDED.number, id_column = EXCLUDED.id_column, \
    redacts = EXCLUDED.redacts";
const FIND: &str = "SELECT d.table_name FROM derived_tables d \
    JOIN projections p ON p.name = d.projection AND p.number = d.number WHERE d.base_name = $1 AND p.slot = $2";

/// Remembers the tables of a generation, and what an erasure does in each.
pub(super) async fn list(
    step: &Step<'_>,
    layout: &ProjectionLayout,
    slot: Slot,
    number: u32,
) -> Result<(), ReadError> {
    for table in layout.tables {
        let redacts = redacted(table).join(",");
        let (id, redacts) = match table.subject {
            Subject::Stream(OnErasure::Delete) => (Some(table.columns[0].name), None),
            Subject::Stream(OnErasure::Redact) if !redacts.is_empty() => {
                (Some(table.columns[0].name), Some(redacts))
            }
            Subject::Stream(OnErasure::Redact) | Subject::Nobody => (None, None),
        };
        let (name, number) = (table.name_in(slot, number), number.cast_signed());
        let parameters: [&(dyn ToSql + Sync); 6] = [&name, &table.name, &layout.name, &number, &id, &redacts];
        step.execute(LIST, &parameters).await?;
    }
    Ok(())
}

/// The columns that say something about a person.
fn redacted(table: &ProjectionTable) -> Vec<&'static str> {
    table.columns.iter().filter(|c| c.class == ColumnClass::Derived).map(|c| c.name).collect()
}

pub(super) async fn states(
    reader: &Reader,
    table: &'static ProjectionTable,
    slot: Slot,
    streams: &[AggregateId],
) -> Result<Vec<Row>, ProjectionError> {
    let name = name(reader, table, slot).await?;
    let ids: Vec<_> = streams.iter().map(|stream| stream.0).collect();
    read(reader, &states_text(table, &name), &[&ids], table.columns).await
}

pub(super) async fn inline_rows(
    reader: &Reader,
    table: &'static InlineTable,
    streams: &[AggregateId],
) -> Result<Vec<Row>, ProjectionError> {
    let ids: Vec<_> = streams.iter().map(|stream| stream.0).collect();
    let (columns, key) = (names(table.columns, ""), quoted(table.key()));
    let sql = format!("SELECT {columns} FROM {} WHERE {key} = ANY ($1)", table.name);
    read(reader, &sql, &[&ids], table.columns).await
}

pub(super) async fn rows_after(
    reader: &Reader,
    table: &'static ProjectionTable,
    slot: Slot,
    after: Option<&Row>,
    limit: u32,
) -> Result<Vec<Row>, ProjectionError> {
    let name = name(reader, table, slot).await?;
    let after: Vec<_> =
        after.map_or(&[][..], |row| &row[..table.key_columns]).iter().map(Parameter).collect();
    let limit = i64::from(limit);
    let key = after.iter().map(|value| value as &(dyn ToSql + Sync));
    let parameters: Vec<_> = std::iter::once(&limit as &(dyn ToSql + Sync)).chain(key).collect();
    read(reader, &rows_after_text(table, &name, after.is_empty()), &parameters, table.columns).await
}

/// What the table is called in a generation.
async fn name(
    reader: &Reader,
    table: &'static ProjectionTable,
    slot: Slot,
) -> Result<String, ProjectionError> {
    if slot == Slot::Live {
        return Ok(table.name.to_owned());
    }
    let rows = reader.rows(FIND, &[&table.name, &slot.as_str()]).await?;
    let row = rows.first().ok_or(ProjectionError::Missing)?;
    Ok(get(row, 0)?)
}

async fn read(
    reader: &Reader,
    sql: &str,
    parameters: &[&(dyn ToSql + Sync)],
    columns: &[InlineColumn],
) -> Result<Vec<Row>, ProjectionError> {
    let rows = reader.rows(sql, parameters).await?;
    let values =
        |row| columns.iter().enumerate().map(|(n, column)| row::value(row, n, column.kind)).collect();
    Ok(rows.iter().map(values).collect::<Result<_, ReadError>>()?)
}

fn states_text(table: &ProjectionTable, name: &str) -> String {
    let (columns, id) = (names(table.columns, ""), quoted(&table.columns[0]));
    let latest: Vec<_> = table.key().iter().map(|column| format!("{} DESC", quoted(column))).collect();
    format!(
        "SELECT s.* FROM unnest($1::uuid[]) u(id) JOIN LATERAL \
         (SELECT {columns} FROM {name} WHERE {id} = u.id ORDER BY {} LIMIT 1) s ON true",
        latest.join(", ")
    )
}

fn rows_after_text(table: &ProjectionTable, name: &str, from_the_start: bool) -> String {
    let (columns, key) = (names(table.columns, ""), names(table.key(), ""));
    let values: Vec<_> = (2..).take(table.key_columns).map(|n| format!("${n}")).collect();
    let after =
        if from_the_start { String::new() } else { format!("WHERE ({key}) > ({})", values.join(", ")) };
    format!("SELECT {columns} FROM {name} {after} ORDER BY {key} LIMIT $1")
}

/// Rows that may be there already: replaced, or added to.
pub(super) fn put_text(table: &ProjectionTable, name: &str) -> String {
    let changed = table.columns[table.key_columns..].iter().map(|column| {
        let own = quoted(column);
        if table.is_counter(column) {
            format!("{own} = t.{own} + EXCLUDED.{own}")
        } else {
            format!("{own} = EXCLUDED.{own}")
        }
    });
    let changed: Vec<_> = changed.collect();
    let conflict =
        if changed.is_empty() { "NOTHING".to_owned() } else { format!("UPDATE SET {}", changed.join(", ")) };
    format!(
        "INSERT INTO {name} AS t ({}) SELECT {} FROM {} ON CONFLICT ({}) DO {conflict}",
        names(table.columns, ""),
        names(table.columns, "u."),
        unnested(table.columns),
        names(table.key(), "")
    )
}

/// Rows by their keys.
pub(super) fn delete_text(table: &ProjectionTable, name: &str) -> String {
    let same: Vec<_> =
        table.key().iter().map(quoted).map(|column| format!("t.{column} = u.{column}")).collect();
    format!("DELETE FROM {name} t USING {} WHERE {}", unnested(table.key()), same.join(" AND "))
}

/// All rows of some streams.
pub(super) fn delete_streams_text(table: &ProjectionTable, name: &str) -> String {
    format!("DELETE FROM {name} WHERE {} = ANY ($1)", quoted(&table.columns[0]))
}

/// What an erasure does; `None` if there is nothing to do.
pub(super) fn clean_text(table: &ProjectionTable, name: &str) -> Option<String> {
    let redacts: Vec<_> = redacted(table).into_iter().map(|column| format!("\"{column}\" = NULL")).collect();
    match table.subject {
        Subject::Stream(OnErasure::Delete) => Some(delete_streams_text(table, name)),
        Subject::Stream(OnErasure::Redact) if !redacts.is_empty() => {
            let id = quoted(&table.columns[0]);
            Some(format!("UPDATE {name} SET {} WHERE {id} = ANY ($1)", redacts.join(", ")))
        }
        Subject::Stream(OnErasure::Redact) | Subject::Nobody => None,
    }
}

/// What is left of a row about somebody who has been erased.
pub(super) fn cleaned(table: &ProjectionTable, row: &Row) -> Option<Row> {
    match table.subject {
        Subject::Nobody => Some(row.clone()),
        Subject::Stream(OnErasure::Delete) => None,
        Subject::Stream(OnErasure::Redact) => Some(
            table
                .columns
                .iter()
                .zip(row)
                .map(|(column, value)| match column.class {
                    ColumnClass::Derived => Value::Null,
                    ColumnClass::Id | ColumnClass::Public | ColumnClass::Sealed => value.clone(),
                })
                .collect(),
        ),
    }
}

/// Rows that are not there yet, in bulk.
pub(super) fn copy_text(table: &ProjectionTable, name: &str) -> String {
    format!("COPY {name} ({}) FROM STDIN BINARY", names(table.columns, ""))
}

/// Which of some streams have no row in a table.
pub(super) fn absent_text(subjects: &InlineTable) -> String {
    format!(
        "SELECT u.id FROM unnest($1::uuid[]) u(id) WHERE NOT EXISTS (SELECT 1 FROM {} s WHERE s.{} = u.id)",
        subjects.name,
        quoted(subjects.key())
    )
}

/// A row for each element of arrays, as `u`.
fn unnested(columns: &[InlineColumn]) -> String {
    let arrays = (1..).zip(columns).map(|(n, column)| format!("${n}::{}[]", element(column.kind)));
    format!("unnest({}) u({})", arrays.collect::<Vec<_>>().join(", "), names(columns, ""))
}

pub(super) fn names(columns: &[InlineColumn], of: &str) -> String {
    columns.iter().map(|column| format!("{of}{}", quoted(column))).collect::<Vec<_>>().join(", ")
}

fn quoted(column: &InlineColumn) -> String {
    format!("\"{}\"", column.name)
}

/// For the test that looks at their plans: all that find rows by a key.
#[cfg(test)]
pub(crate) fn examples() -> Vec<String> {
    use eventstore::conformance::{DOCUMENT, NOTE, WORD};

    let mut texts = vec![
        states_text(&NOTE, "note__g2"),
        rows_after_text(&NOTE, "note", false),
        rows_after_text(&WORD, "word", true),
        delete_text(&NOTE, "note"),
        delete_streams_text(&NOTE, "note"),
        put_text(&NOTE, "note__g2"),
        put_text(&WORD, "word"),
        absent_text(&DOCUMENT),
    ];
    texts.extend(clean_text(&NOTE, "note"));
    texts
}
