//! Judging an append against what the store holds, before anything of it is written.
//!
//! A used request id comes before a conflict, a conflict before a taken claim: who repeats a command must hear what it
//! did, and who decided on an old state cannot know which claims she would want. Last come rows and claims that are not
//! as the version says they are: a conflict too, since the caller can only look again.

use eventstore::{Append, Rejection, RequestRecord, RowChange, RowWrite, Version};
use rusqlite::{Connection, OptionalExtension, params};

use crate::append::table_sql;
use crate::inline::TableSql;
use crate::read::{self, STREAM_VERSION};
use crate::row::signed;

/// Why the append has to be refused, if it has to be.
pub(crate) fn judge(
    connection: &Connection,
    tables: &[TableSql],
    append: &Append,
) -> rusqlite::Result<Option<Rejection>> {
    if let Some(record) = duplicate(connection, append)? {
        return Ok(Some(Rejection::Duplicate(record)));
    }
    let actual = stream_version(connection, append)?;
    if actual != append.expected {
        return Ok(Some(Rejection::Conflict { actual }));
    }
    if let Some(taken) = taken(connection, append)? {
        return Ok(Some(taken));
    }
    let matches = owns(connection, append)? && rows_match(connection, tables, append)?;
    Ok((!matches).then_some(Rejection::Conflict { actual }))
}

fn duplicate(connection: &Connection, append: &Append) -> rusqlite::Result<Option<RequestRecord>> {
    append.request.map_or(Ok(None), |request| read::request(connection, request.key))
}

pub(crate) fn stream_version(connection: &Connection, append: &Append) -> rusqlite::Result<Version> {
    let mut statement = connection.prepare_cached(STREAM_VERSION)?;
    let version = statement
        .query_row(params![append.aggregate_id.0.as_bytes()], |row| read::count(row, 0))
        .optional()?;
    Ok(version.map_or(Version::NONE, Version))
}

/// Whether each row that is to be changed is there in the right version, and each new one is not.
fn rows_match(connection: &Connection, tables: &[TableSql], append: &Append) -> rusqlite::Result<bool> {
    for write in &append.rows {
        if !row_matches(connection, tables, append, write)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn row_matches(
    connection: &Connection,
    tables: &[TableSql],
    append: &Append,
    write: &RowWrite,
) -> rusqlite::Result<bool> {
    let mut statement = connection.prepare_cached(&table_sql(tables, write.table).look)?;
    let version: Option<Option<i64>> =
        statement.query_row(params![append.aggregate_id.0.as_bytes()], |row| row.get(0)).optional()?;
    Ok(match (&write.change, version) {
        (RowChange::Insert(_), found) => found.is_none(),
        (RowChange::Update(_) | RowChange::Delete, None) => false,
        (RowChange::Update(_) | RowChange::Delete, Some(version)) => {
            write.table.version_column.is_none() || version == Some(signed(append.expected.0))
        }
    })
}

/// Whether the stream owns what it gives up.
fn owns(connection: &Connection, append: &Append) -> rusqlite::Result<bool> {
    for key in append.claims.given_up() {
        if read::claim_owner(connection, key)? != Some(append.aggregate_id) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn taken(connection: &Connection, append: &Append) -> rusqlite::Result<Option<Rejection>> {
    for key in append.claims.wanted() {
        if let Some(owner) = read::claim_owner(connection, key)? {
            return Ok(Some(Rejection::ClaimTaken { key, owner }));
        }
    }
    Ok(None)
}
