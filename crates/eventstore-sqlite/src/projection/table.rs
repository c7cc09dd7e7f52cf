//! The tables of generations: the SQL of a declared one, its reads, and what an erasure does to all of them.
//!
//! Names come from declarations in the product's source, never from data, so they are not quoted.

use eventstore::{
    AggregateId, ColumnClass, InlineColumn, InlineTable, OnErasure, ProjectionError, ProjectionLayout,
    ProjectionTable, ReadError, Row, Slot, Subject, Value,
};
use rusqlite::{Connection, OptionalExtension, Statement, ToSql, params};

use super::Step;
use super::trigrams::Changes;
use crate::read::failed;
use crate::row::{self, stored};

/// A table that is not there is not registered: an older generation can lack one.
const REGISTER: &str =
    "INSERT INTO derived_tables (table_name, base_name, projection, number, id_column, redacts)
    SELECT ?1, ?2, ?3, ?4, ?5, ?6 WHERE EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?1)
    ON CONFLICT (table_name) DO UPDATE SET base_name = excluded.base_name, projection = excluded.projection,
    number = excluded.number, id_column = excluded.id_column, redacts = excluded.redacts";
const TABLE_IN: &str = "SELECT d.table_name FROM derived_tables d
    JOIN projections p ON p.name = d.projection AND p.number = d.number WHERE d.base_name = ?1 AND p.slot = ?2";
const ABOUT_STREAMS: &str = "SELECT d.table_name, d.id_column, d.redacts FROM derived_tables d
    WHERE d.id_column IS NOT NULL AND EXISTS (SELECT 1 FROM sqlite_schema s WHERE s.name = d.table_name)";

/// They read the few rows of small tables.
#[cfg(test)]
pub(super) const SMALL: &[&str] = &[REGISTER, TABLE_IN, ABOUT_STREAMS];

/// Remembers the tables of a generation, and what an erasure does to them.
pub(super) fn register(
    step: &Step<'_>,
    layout: &ProjectionLayout,
    slot: Slot,
    number: u32,
) -> rusqlite::Result<()> {
    for table in layout.tables {
        let cleaning = Cleaning::of(table, &table.name_in(slot, number));
        step.connection.prepare_cached(REGISTER)?.execute(params![
            table.name_in(slot, number),
            table.name,
            layout.name,
            number,
            cleaning.as_ref().map(|cleaning| &cleaning.id_column),
            cleaning.as_ref().and_then(|cleaning| cleaning.redacts.as_ref()),
        ])?;
    }
    Ok(())
}

/// What an erasure does to one table.
#[derive(Clone, Debug)]
pub(crate) struct Cleaning {
    table: String,
    id_column: String,
    /// `a,b,c`: these become null. Rows go if there are none.
    redacts: Option<String>,
}

impl Cleaning {
    /// `None` for a table that is about nobody, or holds nothing personal.
    pub(super) fn of(table: &ProjectionTable, name: &str) -> Option<Self> {
        let redacts = match table.subject {
            Subject::Nobody => return None,
            Subject::Stream(OnErasure::Delete) => None,
            Subject::Stream(OnErasure::Redact) => {
                let derived = table.columns.iter().filter(|column| column.class == ColumnClass::Derived);
                let names: Vec<_> = derived.map(|column| column.name).collect();
                (!names.is_empty()).then_some(())?;
                Some(names.join(","))
            }
        };
        Some(Self { table: name.to_owned(), id_column: table.columns[0].name.to_owned(), redacts })
    }

    /// How many rows it touched.
    pub(super) fn clean(
        &self,
        connection: &Connection,
        stream: AggregateId,
        changes: &mut Changes,
    ) -> rusqlite::Result<usize> {
        let (rows, id) = (format!("{} = ?1", self.id_column), stream.0.as_bytes());
        let clean = || connection.prepare_cached(&self.sql())?.execute([id]);
        changes.around(connection, &self.table, (&rows, &[id]), clean)
    }

    fn sql(&self) -> String {
        let Self { table, id_column, redacts } = self;
        let Some(columns) = redacts else { return format!("DELETE FROM {table} WHERE {id_column} = ?1") };
        let null: Vec<_> = columns.split(',').map(|column| format!("{column} = NULL")).collect();
        let full: Vec<_> = columns.split(',').map(|column| format!("{column} IS NOT NULL")).collect();
        format!("UPDATE {table} SET {} WHERE {id_column} = ?1 AND ({})", null.join(", "), full.join(" OR "))
    }
}

/// Takes what is personal about a stream out of every table of every generation.
pub(crate) fn erase(connection: &Connection, stream: AggregateId) -> rusqlite::Result<()> {
    let cleanings: Vec<_> = connection
        .prepare_cached(ABOUT_STREAMS)?
        .query_map([], |row| {
            Ok(Cleaning { table: row.get(0)?, id_column: row.get(1)?, redacts: row.get(2)? })
        })?
        .collect::<rusqlite::Result<_>>()?;
    let mut changes = Changes::default();
    for cleaning in &cleanings {
        cleaning.clean(connection, stream, &mut changes)?;
    }
    changes.write(connection)
}

/// Writes rows of one table in one generation.
#[derive(Debug)]
pub(super) struct TableWriting {
    table: &'static ProjectionTable,
    name: String,
    put: String,
    delete: String,
    delete_stream: String,
}

impl TableWriting {
    pub(super) fn new(table: &'static ProjectionTable, name: &str) -> Self {
        Self {
            table,
            name: name.to_owned(),
            put: put(table, name),
            delete: format!("DELETE FROM {name} WHERE {}", equal(table.key())),
            delete_stream: format!("DELETE FROM {name} WHERE {}", equal(&table.columns[..1])),
        }
    }

    pub(super) fn put(
        &self,
        connection: &Connection,
        row: &Row,
        changes: &mut Changes,
    ) -> Result<(), ProjectionError> {
        let Self { table, put, .. } = self;
        self.run(connection, put, (row, table.columns), table.key_columns, changes)
    }

    pub(super) fn delete(
        &self,
        connection: &Connection,
        key: &Row,
        changes: &mut Changes,
    ) -> Result<(), ProjectionError> {
        let Self { table, delete, .. } = self;
        self.run(connection, delete, (key, table.key()), table.key_columns, changes)
    }

    pub(super) fn delete_stream(
        &self,
        connection: &Connection,
        stream: AggregateId,
        changes: &mut Changes,
    ) -> Result<(), ProjectionError> {
        let id = (&[Value::Uuid(stream.0)][..], &self.table.columns[..1]);
        self.run(connection, &self.delete_stream, id, 1, changes)
    }

    /// So many of the values, the first ones, name the rows.
    fn run(
        &self,
        connection: &Connection,
        sql: &str,
        (values, columns): (&[Value], &[InlineColumn]),
        naming: usize,
        changes: &mut Changes,
    ) -> Result<(), ProjectionError> {
        let fits = values.len() == columns.len()
            && values.iter().zip(columns).all(|(value, column)| value.fits(column.kind));
        if !fits {
            return Err(malformed(format!("a row does not fit {}", self.table.name)));
        }
        let mut statement = connection.prepare_cached(sql).map_err(failed)?;
        bind(&mut statement, values)?;
        let key: Vec<_> = values[..naming].iter().filter_map(|value| stored(value, None)).collect();
        let key: Vec<_> = key.iter().map(|value| value as &dyn ToSql).collect();
        let rows = equal(&columns[..naming]);
        let written = changes.around(connection, &self.name, (&rows, &key), || statement.raw_execute());
        written.map_err(failed)?;
        Ok(())
    }
}

fn put(table: &ProjectionTable, name: &str) -> String {
    let values: Vec<_> = (1..=table.columns.len()).map(|n| format!("?{n}")).collect();
    let set = table.columns[table.key_columns..].iter().map(|column| {
        let before =
            if table.is_counter(column) { format!("{name}.{} + ", column.name) } else { String::new() };
        format!("{0} = {before}excluded.{0}", column.name)
    });
    let set: Vec<_> = set.collect();
    let change = if set.is_empty() { "NOTHING".to_owned() } else { format!("UPDATE SET {}", set.join(", ")) };
    format!(
        "INSERT INTO {name} ({}) VALUES ({}) ON CONFLICT ({}) DO {change}",
        names(table.columns, ""),
        values.join(", "),
        names(table.key(), ""),
    )
}

pub(super) fn states(
    connection: &Connection,
    table: &ProjectionTable,
    slot: Slot,
    streams: &[AggregateId],
) -> Result<Vec<Row>, ProjectionError> {
    let moment = connection.unchecked_transaction().map_err(failed)?;
    let sql = state(table, &name_in(&moment, table, slot)?);
    latest(&moment, &sql, table.columns, streams)
}

pub(super) fn inline_rows(
    connection: &Connection,
    table: &InlineTable,
    streams: &[AggregateId],
) -> Result<Vec<Row>, ProjectionError> {
    let (columns, key) = (names(table.columns, ""), table.key().name);
    let sql = format!("SELECT {columns} FROM {} WHERE {key} = ?1", table.name);
    let moment = connection.unchecked_transaction().map_err(failed)?;
    latest(&moment, &sql, table.columns, streams)
}

pub(super) fn rows_after(
    connection: &Connection,
    table: &ProjectionTable,
    slot: Slot,
    after: Option<&Row>,
    limit: u32,
) -> Result<Vec<Row>, ProjectionError> {
    let moment = connection.unchecked_transaction().map_err(failed)?;
    let key = after.map_or(&[][..], |row| &row[..table.key_columns.min(row.len())]);
    let sql = page(table, &name_in(&moment, table, slot)?, key.len());
    let mut statement = moment.prepare_cached(&sql).map_err(failed)?;
    bind(&mut statement, key)?;
    statement.raw_bind_parameter(key.len() + 1, limit).map_err(failed)?;
    rows(&mut statement, table.columns)
}

fn latest(
    connection: &Connection,
    sql: &str,
    columns: &[InlineColumn],
    streams: &[AggregateId],
) -> Result<Vec<Row>, ProjectionError> {
    let mut statement = connection.prepare_cached(sql).map_err(failed)?;
    let mut found = Vec::with_capacity(streams.len());
    for stream in streams {
        statement.raw_bind_parameter(1, stream.0.as_bytes()).map_err(failed)?;
        found.extend(rows(&mut statement, columns)?);
    }
    Ok(found)
}

/// The name that a declared table has in a generation, as of this transaction.
fn name_in(connection: &Connection, table: &ProjectionTable, slot: Slot) -> Result<String, ProjectionError> {
    if slot == Slot::Live {
        return Ok(table.name.to_owned());
    }
    let look = || {
        let mut statement = connection.prepare_cached(TABLE_IN)?;
        statement.query_row([table.name, slot.as_str()], |row| row.get(0)).optional()
    };
    look().map_err(failed)?.ok_or(ProjectionError::Missing)
}

/// The row of a stream with the greatest key.
fn state(table: &ProjectionTable, name: &str) -> String {
    let (columns, key) = (names(table.columns, ""), table.key());
    let order: Vec<_> = key.iter().skip(1).map(|column| format!("{} DESC", column.name)).collect();
    let order = if order.is_empty() { String::new() } else { format!(" ORDER BY {}", order.join(", ")) };
    format!("SELECT {columns} FROM {name} WHERE {} = ?1{order} LIMIT 1", key[0].name)
}

/// The rows after a key of which so many columns are given: all or none.
fn page(table: &ProjectionTable, name: &str, given: usize) -> String {
    let (columns, key) = (names(table.columns, ""), names(table.key(), ""));
    let values: Vec<_> = (1..=given).map(|n| format!("?{n}")).collect();
    let after = if given == 0 { String::new() } else { format!("WHERE ({key}) > ({}) ", values.join(", ")) };
    format!("SELECT {columns} FROM {name} {after}ORDER BY {key} LIMIT ?{}", given + 1)
}

pub(super) fn names(columns: &[InlineColumn], of: &str) -> String {
    columns.iter().map(|column| format!("{of}{}", column.name)).collect::<Vec<_>>().join(", ")
}

fn equal(key: &[InlineColumn]) -> String {
    let equal = key.iter().enumerate().map(|(n, column)| format!("{} = ?{}", column.name, n + 1));
    equal.collect::<Vec<_>>().join(" AND ")
}

fn bind(statement: &mut Statement<'_>, values: &[Value]) -> Result<(), ProjectionError> {
    for (n, value) in values.iter().enumerate() {
        let value = stored(value, None).ok_or_else(|| malformed("a value without a meaning".to_owned()))?;
        statement.raw_bind_parameter(n + 1, value).map_err(failed)?;
    }
    Ok(())
}

pub(super) fn rows(
    statement: &mut Statement<'_>,
    columns: &[InlineColumn],
) -> Result<Vec<Row>, ProjectionError> {
    let (mut rows, mut found) = (statement.raw_query(), Vec::new());
    while let Some(row) = rows.next().map_err(failed)? {
        found.push(values(row, columns)?);
    }
    Ok(found)
}

/// What stands first in a row.
pub(super) fn values(row: &rusqlite::Row<'_>, columns: &[InlineColumn]) -> Result<Row, ProjectionError> {
    let values = columns.iter().enumerate().map(|(index, column)| row::value(row, index, column.kind));
    Ok(values.collect::<Result<_, _>>()?)
}

pub(super) fn malformed(what: String) -> ProjectionError {
    ReadError::Malformed(what.into()).into()
}

/// The statements of a table that has everything, for the test that looks at their plans.
#[cfg(test)]
pub(super) fn examples() -> Vec<String> {
    use eventstore::conformance::NOTE;

    let writing = TableWriting::new(&NOTE, "note");
    let deleted = Cleaning { table: "note".to_owned(), id_column: "id".to_owned(), redacts: None };
    let redacted = Cleaning { redacts: Some("text".to_owned()), ..deleted.clone() };
    let all = NOTE.key_columns;
    let mut examples = vec![writing.put, writing.delete, writing.delete_stream];
    examples.extend([deleted.sql(), redacted.sql(), state(&NOTE, "note"), page(&NOTE, "note", all)]);
    examples
}
