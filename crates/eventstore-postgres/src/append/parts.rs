//! A batch, taken apart: pure bookkeeping from commands to rows.

use eventstore::{AggregateId, Append, ColumnKind, InlineTable, NewEvent, Row, RowChange, Value};
use uuid::Uuid;

use super::array::{Array, Form};
use super::part::{Column, EXPECTED, Kind, Part, Stamp};
use crate::row::{Moment, signed};

/// An append, and how many events of its batch stand before it.
#[derive(Clone, Copy)]
pub(super) struct Placed<'a> {
    pub(super) append: &'a Append,
    pub(super) before: i64,
}

impl Placed<'_> {
    /// The last of its positions; where the log stands if it has none. Counted from the head.
    pub(super) fn last(&self) -> i64 {
        self.before + signed(self.append.events.len() as u64)
    }
}

/// Where each append of a batch comes to stand.
pub(super) fn place<'a>(batch: impl IntoIterator<Item = &'a Append>) -> Vec<Placed<'a>> {
    let mut before = 0;
    let mut placed = Vec::new();
    for append in batch {
        placed.push(Placed { append, before });
        before += signed(append.events.len() as u64);
    }
    placed
}

/// The parts that the batch has rows for.
pub(super) fn parts<'a>(batch: &[Placed<'a>], tables: &[&'static InlineTable]) -> Vec<Part<'a>> {
    let own = [events(batch), reached(batch), taken(batch), moved(batch), released(batch), requests(batch)];
    let inline = tables
        .iter()
        .flat_map(|table| [inserted(batch, table), updated(batch, table), deleted(batch, table)]);
    let mut parts: Vec<_> = own.into_iter().chain(inline).flatten().collect();
    if batch.len() > 1 {
        // Plain values are for a command on its own: else every mixture of ones and manies would be a statement.
        for part in &mut parts {
            part.form = Form::Many;
        }
    }
    parts
}

fn events<'a>(batch: &[Placed<'a>]) -> Option<Part<'a>> {
    struct Line<'a> {
        append: &'a Append,
        event: &'a NewEvent,
        position: i64,
        version: i64,
    }
    let lines: Vec<_> = batch
        .iter()
        .flat_map(|&Placed { append, before }| {
            let expected = signed(append.expected.0);
            (1..).zip(&append.events).map(move |(n, event)| Line {
                append,
                event,
                position: before + n,
                version: expected + n,
            })
        })
        .collect();
    let of = |name, values| Column { name, values, stamp: Stamp::None };
    let position = bigints(lines.iter().map(|l| l.position));
    let metadata =
        |pick: fn(&Append) -> Option<Uuid>| Array::Uuid(lines.iter().map(|l| pick(l.append)).collect());
    part(Kind::Events, lines.len(), || {
        vec![
            Column { name: "position", values: position, stamp: Stamp::FromHead },
            of("aggregate_id", uuids(lines.iter().map(|l| l.append.aggregate_id.0))),
            of("event_id", uuids(lines.iter().map(|l| l.event.event_id.0))),
            of("correlation_id", metadata(|append| append.metadata.correlation_id)),
            of("causation_id", metadata(|append| append.metadata.causation_id)),
            of("request_id", metadata(|append| append.metadata.request_id)),
            of("version", bigints(lines.iter().map(|l| l.version))),
            // The column is signed; what does not fit comes back as it was.
            of(
                "schema_version",
                Array::SmallInt(lines.iter().map(|l| Some(l.event.schema_version.cast_signed())).collect()),
            ),
            of("aggregate_type", texts(lines.iter().map(|l| l.append.aggregate_type))),
            of("event_type", texts(lines.iter().map(|l| l.event.event_type))),
            of("actor", Array::Text(lines.iter().map(|l| l.append.metadata.actor.as_deref()).collect())),
            of("data", texts(lines.iter().map(|l| l.event.data.as_str()))),
            of("sealed", Array::Bytes(lines.iter().map(|l| l.event.sealed.as_deref()).collect())),
        ]
    })
}

/// `UNIQUE (aggregate_id, version)` finds a version that is behind the head. One that is ahead of it is found by the
/// versioned row of an inline table where there is one; here are the others.
fn reached<'a>(batch: &[Placed<'a>]) -> Option<Part<'a>> {
    let unsure: Vec<_> =
        batch.iter().filter(|p| p.append.expected.0 > 0 && !has_versioned_row(p.append)).collect();
    part(Kind::Reached, unsure.len(), || {
        vec![
            plain("aggregate_id", uuids(unsure.iter().map(|p| p.append.aggregate_id.0))),
            plain("version", bigints(unsure.iter().map(|p| signed(p.append.expected.0)))),
        ]
    })
}

fn has_versioned_row(append: &Append) -> bool {
    append.rows.iter().any(|write| {
        write.table.version_column.is_some()
            && match write.change {
                RowChange::Insert(_) => false,
                RowChange::Update(_) | RowChange::Delete => true,
            }
    })
}

fn taken<'a>(batch: &[Placed<'a>]) -> Option<Part<'a>> {
    let keys: Vec<_> = each(batch, |append| append.claims.taken.iter().map(|key| key.0)).collect();
    part(Kind::Taken, keys.len(), || {
        vec![
            plain("key", uuids(keys.iter().map(|(_, key)| *key))),
            plain("aggregate_id", uuids(keys.iter().map(|(stream, _)| stream.0))),
        ]
    })
}

fn moved<'a>(batch: &[Placed<'a>]) -> Option<Part<'a>> {
    let moves: Vec<_> = each(batch, |append| append.claims.moved.iter()).collect();
    part(Kind::Moved, moves.len(), || {
        vec![
            plain("owned", uuids(moves.iter().map(|(_, claim)| claim.from.0))),
            plain("wanted", uuids(moves.iter().map(|(_, claim)| claim.to.0))),
            plain("aggregate_id", uuids(moves.iter().map(|(stream, _)| stream.0))),
        ]
    })
}

fn released<'a>(batch: &[Placed<'a>]) -> Option<Part<'a>> {
    let keys: Vec<_> = each(batch, |append| append.claims.released.iter().map(|key| key.0)).collect();
    part(Kind::Released, keys.len(), || {
        vec![
            plain("owned", uuids(keys.iter().map(|(_, key)| *key))),
            plain("aggregate_id", uuids(keys.iter().map(|(stream, _)| stream.0))),
        ]
    })
}

fn requests<'a>(batch: &[Placed<'a>]) -> Option<Part<'a>> {
    let asked: Vec<_> = batch.iter().filter_map(|p| p.append.request.map(|request| (p, request))).collect();
    part(Kind::Requests, asked.len(), || {
        vec![
            plain("key", uuids(asked.iter().map(|(_, request)| request.key.0))),
            plain("fingerprint", uuids(asked.iter().map(|(_, request)| request.fingerprint.0))),
            plain("aggregate_id", uuids(asked.iter().map(|(p, _)| p.append.aggregate_id.0))),
            plain("version", bigints(asked.iter().map(|(p, _)| signed(p.append.version_after().0)))),
            Column {
                name: "position",
                values: bigints(asked.iter().map(|(p, _)| p.last())),
                stamp: Stamp::FromHead,
            },
        ]
    })
}

fn inserted<'a>(batch: &[Placed<'a>], table: &'static InlineTable) -> Option<Part<'a>> {
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

fn updated<'a>(batch: &[Placed<'a>], table: &'static InlineTable) -> Option<Part<'a>> {
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

fn deleted<'a>(batch: &[Placed<'a>], table: &'static InlineTable) -> Option<Part<'a>> {
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

/// Something of each append, with its stream.
fn each<'a, 'b, T>(
    batch: &'b [Placed<'a>],
    what: impl Fn(&'a Append) -> T + 'b,
) -> impl Iterator<Item = (AggregateId, T::Item)> + 'b
where
    T: Iterator + 'b,
{
    batch.iter().flat_map(move |p| {
        let stream = p.append.aggregate_id;
        what(p.append).map(move |item| (stream, item))
    })
}

fn part<'a>(kind: Kind, rows: usize, columns: impl FnOnce() -> Vec<Column<'a>>) -> Option<Part<'a>> {
    let form = match rows {
        0 => return None,
        1 => Form::One,
        _ => Form::Many,
    };
    Some(Part { kind, columns: columns(), form })
}

fn plain<'a>(name: &'static str, values: Array<'a>) -> Column<'a> {
    Column { name, values, stamp: Stamp::None }
}

fn uuids<'a>(values: impl Iterator<Item = Uuid>) -> Array<'a> {
    Array::Uuid(values.map(Some).collect())
}

fn bigints<'a>(values: impl Iterator<Item = i64>) -> Array<'a> {
    Array::BigInt(values.map(Some).collect())
}

fn texts<'a>(values: impl Iterator<Item = &'a str>) -> Array<'a> {
    Array::Text(values.map(Some).collect())
}
