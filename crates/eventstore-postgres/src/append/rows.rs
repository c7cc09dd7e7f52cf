//! The rows of inline tables that a batch writes, column by column.

use eventstore::{ColumnKind, InlineTable, Row, RowChange, Value};

use super::array::Array;
use super::part::{Column, EXPECTED, Kind, Part, Stamp};
use super::parts::{Placed, bigints, part, plain, uuids};
use crate::row::{Moment, signed};

pub(super) fn inserted<'a>(batch: &[Placed<'a>], table: &'static InlineTable) -> Option<Part<'a>> {
    let rows: Vec<_> = changes(batch, table)
        .filter_map(|(placed, change)| match change {
            RowChange::Insert(row) => Some((placed, row)),
            RowChange::Update(_) | RowChange::Delete => None,
        })
        .collect();
    let columns = table.columns.iter().enumerate();
    part(Kind::Inserted(table), rows.len(), || {
        columns.map(|(n, declared)| column(declared.name, declared.kind, n, &rows)).collect()
    })
}

pub(super) fn updated<'a>(batch: &[Placed<'a>], table: &'static InlineTable) -> Option<Part<'a>> {
    let rows: Vec<_> = changes(batch, table)
        .filter_map(|(placed, change)| match change {
            RowChange::Update(row) => Some((placed, row)),
            RowChange::Insert(_) | RowChange::Delete => None,
        })
        .collect();
    let columns = table.updated_columns().enumerate();
    part(Kind::Updated(table), rows.len(), || {
        let written = columns.map(|(n, declared)| column(declared.name, declared.kind, n, &rows));
        written.chain(expected(table, rows.iter().map(|(placed, _)| *placed))).collect()
    })
}

pub(super) fn deleted<'a>(batch: &[Placed<'a>], table: &'static InlineTable) -> Option<Part<'a>> {
    let rows: Vec<_> = changes(batch, table)
        .filter_map(|(placed, change)| match change {
            RowChange::Delete => Some(placed),
            RowChange::Insert(_) | RowChange::Update(_) => None,
        })
        .collect();
    part(Kind::Deleted(table), rows.len(), || {
        let key = plain(table.key().name, uuids(rows.iter().map(|placed| placed.append.aggregate_id.0)));
        std::iter::once(key).chain(expected(table, rows.iter().copied())).collect()
    })
}

/// Every change of a table's rows.
fn changes<'a, 'b>(
    batch: &'b [Placed<'a>],
    table: &'static InlineTable,
) -> impl Iterator<Item = (Placed<'a>, &'a RowChange)> + use<'a, 'b> {
    batch.iter().flat_map(move |&placed| {
        let writes = placed.append.rows.iter().filter(move |write| write.table.name == table.name);
        writes.map(move |write| (placed, &write.change))
    })
}

/// The versions that the appends expect, where the table has them.
fn expected<'a>(table: &InlineTable, rows: impl Iterator<Item = Placed<'a>>) -> Option<Column<'static>> {
    table.version_column?;
    Some(plain(EXPECTED, bigints(rows.map(|placed| signed(placed.append.expected.0)))))
}

/// One column of an inline table's rows. Whether a value has the declared kind was checked when it was queued.
fn column<'a>(name: &'static str, kind: ColumnKind, n: usize, rows: &[(Placed<'a>, &'a Row)]) -> Column<'a> {
    fn pick<'a, T>(
        rows: &[(Placed<'a>, &'a Row)],
        n: usize,
        of: impl Fn(&'a Value, Placed<'a>) -> Option<T>,
    ) -> Vec<Option<T>> {
        rows.iter().map(|&(placed, row)| of(&row[n], placed)).collect()
    }
    let values = match kind {
        ColumnKind::Uuid => {
            Array::Uuid(pick(rows, n, |value, _| if let Value::Uuid(v) = value { Some(*v) } else { None }))
        }
        ColumnKind::SmallInt => {
            Array::SmallInt(pick(
                rows,
                n,
                |value, _| if let Value::SmallInt(v) = value { Some(*v) } else { None },
            ))
        }
        ColumnKind::Text => {
            Array::Text(pick(
                rows,
                n,
                |value, _| if let Value::Text(v) = value { Some(v.as_str()) } else { None },
            ))
        }
        ColumnKind::Bytes => {
            Array::Bytes(pick(
                rows,
                n,
                |value, _| if let Value::Bytes(v) = value { Some(v.as_slice()) } else { None },
            ))
        }
        ColumnKind::BigInt => Array::BigInt(pick(rows, n, bigint)),
        ColumnKind::Time => Array::Time(pick(rows, n, |value, _| time(value))),
    };
    Column { name, values, stamp: stamp(n, rows) }
}

fn bigint(value: &Value, placed: Placed<'_>) -> Option<i64> {
    match value {
        Value::BigInt(v) => Some(*v),
        Value::LastPosition => Some(i64::MIN + placed.last()),
        Value::Null
        | Value::Uuid(_)
        | Value::SmallInt(_)
        | Value::Text(_)
        | Value::Bytes(_)
        | Value::Time(_)
        | Value::RecordedAt => None,
    }
}

fn time(value: &Value) -> Option<Moment> {
    match value {
        Value::Time(v) => Some((*v).into()),
        Value::RecordedAt => Some(Moment::RECORDED_AT),
        Value::Null
        | Value::Uuid(_)
        | Value::SmallInt(_)
        | Value::BigInt(_)
        | Value::Text(_)
        | Value::Bytes(_)
        | Value::LastPosition => None,
    }
}

/// Whether the statement has to put something in the place of a value. Only then does it look.
fn stamp(n: usize, rows: &[(Placed<'_>, &Row)]) -> Stamp {
    let mut stamps = rows.iter().filter_map(|(_, row)| match row[n] {
        Value::RecordedAt => Some(Stamp::RecordedAt),
        Value::LastPosition => Some(Stamp::LastPosition),
        Value::Null
        | Value::Uuid(_)
        | Value::SmallInt(_)
        | Value::BigInt(_)
        | Value::Text(_)
        | Value::Bytes(_)
        | Value::Time(_) => None,
    });
    stamps.next().unwrap_or(Stamp::None)
}
