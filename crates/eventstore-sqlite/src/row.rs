//! A value on its way into a column, and back.

use std::fmt;

use eventstore::{ColumnKind, ReadError, Value};
use jiff::Timestamp;
use rusqlite::types::{ToSqlOutput, Value as Owned, ValueRef};
use rusqlite::{Row, Statement};
use uuid::Uuid;

/// What `RecordedAt` and `LastPosition` stand for in one append.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stamp {
    pub(crate) recorded_at: i64,
    pub(crate) last_position: i64,
}

/// The form in which SQLite stores a value; `None` for a value that has no meaning without an append.
pub(crate) fn stored(value: &Value, stamp: Option<Stamp>) -> Option<ToSqlOutput<'_>> {
    let integer = |n: i64| ToSqlOutput::Owned(Owned::Integer(n));
    Some(match value {
        Value::Null => ToSqlOutput::Owned(Owned::Null),
        Value::Uuid(uuid) => ToSqlOutput::Borrowed(ValueRef::Blob(uuid.as_bytes())),
        Value::SmallInt(n) => integer((*n).into()),
        Value::BigInt(n) => integer(*n),
        Value::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
        Value::Bytes(bytes) => ToSqlOutput::Borrowed(ValueRef::Blob(bytes)),
        Value::Time(time) => integer(time.as_microsecond()),
        Value::RecordedAt => integer(stamp?.recorded_at),
        Value::LastPosition => integer(stamp?.last_position),
    })
}

/// Binds `$1`, `$2` … by their numbers. (To SQLite these are names, numbered in the order in which they occur.)
pub(crate) fn bind(statement: &mut Statement<'_>, parameters: &[Value]) -> Result<(), ReadError> {
    let mut used = 0;
    for index in 1..=statement.parameter_count() {
        let name = statement.parameter_name(index).unwrap_or_default();
        let number: usize =
            name.trim_start_matches('$').parse().map_err(|_| malformed(&"parameters are $1, $2 …"))?;
        let value = parameters.get(number.wrapping_sub(1)).and_then(|value| stored(value, None));
        let value = value.ok_or_else(|| malformed(&format!("there is no value for ${number}")))?;
        statement.raw_bind_parameter(index, value).map_err(|e| ReadError::Malformed(Box::new(e)))?;
        used = used.max(number);
    }
    if used == parameters.len() { Ok(()) } else { Err(malformed(&"more values than parameters")) }
}

fn malformed(what: &dyn fmt::Display) -> ReadError {
    ReadError::Malformed(what.to_string().into())
}

/// A column of the product's own tables, as what it was declared to be.
pub(crate) fn value(row: &Row<'_>, index: usize, kind: ColumnKind) -> Result<Value, ReadError> {
    let found = row.get_ref(index).map_err(|e| ReadError::Malformed(Box::new(e)))?;
    let wrong = || ReadError::Corrupt(format!("column {index} holds {:?}, not {kind:?}", found.data_type()));
    Ok(match (kind, found) {
        (_, ValueRef::Null) => Value::Null,
        (ColumnKind::Uuid, ValueRef::Blob(bytes)) => {
            Value::Uuid(Uuid::from_slice(bytes).map_err(|_| wrong())?)
        }
        (ColumnKind::SmallInt, ValueRef::Integer(n)) => Value::SmallInt(n.try_into().map_err(|_| wrong())?),
        (ColumnKind::BigInt, ValueRef::Integer(n)) => Value::BigInt(n),
        (ColumnKind::Text, ValueRef::Text(text)) => {
            Value::Text(String::from_utf8(text.to_vec()).map_err(|_| wrong())?)
        }
        (ColumnKind::Bytes, ValueRef::Blob(bytes)) => Value::Bytes(bytes.to_vec()),
        (ColumnKind::Time, ValueRef::Integer(n)) => Value::Time(moment(n)?),
        (_, ValueRef::Integer(_) | ValueRef::Real(_) | ValueRef::Text(_) | ValueRef::Blob(_)) => {
            return Err(wrong());
        }
    })
}

fn moment(micros: i64) -> Result<Timestamp, ReadError> {
    Timestamp::from_microsecond(micros).map_err(|_| ReadError::Corrupt(format!("{micros} µs is no moment")))
}

/// A count or position on its way into a column. Nobody lives to append 2^63 events.
pub(crate) fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}
