//! All rows of one command as one statement: its text, and its values in the same order.

use std::fmt::Write;

use eventstore::{Append, ColumnKind, InlineColumn, Row, RowChange, RowWrite, Value};

use super::datum::{Datum, EVENT_COLUMNS, event};

/// The values, in the order in which [`text`] asks for them.
pub(super) fn values(append: &Append) -> Vec<Datum<'_>> {
    let mut values: Vec<_> = event(append).into();
    values.extend(append.claims.taken.iter().map(|key| Datum::Uuid(key.0)));
    for claim in &append.claims.moved {
        values.extend([Datum::Uuid(claim.to.0), Datum::Uuid(claim.from.0)]);
    }
    if let Some(request) = append.request {
        values.extend([Datum::Uuid(request.key.0), Datum::Uuid(request.fingerprint.0)]);
    }
    for write in &append.rows {
        values.extend(row(write).iter().filter_map(Datum::of));
    }
    values
}

/// The statement for a command of this kind. `$1` is the stream, `$6` its version.
pub(super) fn text(append: &Append) -> String {
    let mut next = 13..;
    let mut bind = || format!("${}", next.next().unwrap_or_default());
    let mut sql = format!(
        "WITH e AS (INSERT INTO events (recorded_at, {EVENT_COLUMNS}) \
         VALUES (clock_timestamp(), $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) RETURNING position, recorded_at)"
    );
    // Writing to a string cannot fail.
    let taken: Vec<_> = append.claims.taken.iter().map(|_| format!("({}, $1)", bind())).collect();
    if !taken.is_empty() {
        let _ = write!(sql, ", k AS (INSERT INTO claims (key, aggregate_id) VALUES {})", taken.join(", "));
    }
    for n in 0..append.claims.moved.len() {
        let (to, from) = (bind(), bind());
        let _ =
            write!(sql, ", m{n} AS (UPDATE claims SET key = {to} WHERE key = {from} AND aggregate_id = $1)");
    }
    if append.request.is_some() {
        let (key, fingerprint) = (bind(), bind());
        let columns = "key, fingerprint, aggregate_id, version, position";
        let _ = write!(
            sql,
            ", r AS (INSERT INTO requests ({columns}) SELECT {key}::uuid, {fingerprint}::uuid, $1, $6, e.position FROM e)"
        );
    }
    for (n, write) in append.rows.iter().enumerate() {
        let _ = write!(sql, ", t{n} AS ({})", row_text(write, &mut bind));
    }
    sql + " SELECT position FROM e"
}

fn row(write: &RowWrite) -> &Row {
    match &write.change {
        RowChange::Insert(row) | RowChange::Update(row) => row,
        RowChange::Delete => const { &Vec::new() },
    }
}

fn row_text(write: &RowWrite, bind: &mut dyn FnMut() -> String) -> String {
    let table = write.table;
    let mut pairs = |columns: &mut dyn Iterator<Item = &InlineColumn>| -> Vec<(&'static str, String)> {
        columns
            .zip(row(write))
            .map(|(column, value)| (column.name, value_text(column.kind, value, bind)))
            .collect()
    };
    match &write.change {
        RowChange::Insert(_) => {
            let (names, values): (Vec<_>, Vec<_>) = pairs(&mut table.columns.iter()).into_iter().unzip();
            format!("INSERT INTO {} ({}) SELECT {} FROM e", table.name, names.join(", "), values.join(", "))
        }
        RowChange::Update(_) => {
            let pairs = pairs(&mut table.updated_columns());
            let set: Vec<_> = pairs[1..].iter().map(|(name, value)| format!("{name} = {value}")).collect();
            let version =
                table.version_column.map_or(String::new(), |version| format!(" AND t.{version} = $6 - 1"));
            let (key, id) = &pairs[0];
            format!("UPDATE {} t SET {} FROM e WHERE t.{key} = {id}{version}", table.name, set.join(", "))
        }
        RowChange::Delete => format!("DELETE FROM {} WHERE {} = $1", table.name, table.key().name),
    }
}

fn value_text(kind: ColumnKind, value: &Value, bind: &mut dyn FnMut() -> String) -> String {
    let element = match kind {
        ColumnKind::Uuid => "uuid",
        ColumnKind::SmallInt => "int2",
        ColumnKind::BigInt => "int8",
        ColumnKind::Text => "text",
        ColumnKind::Bytes => "bytea",
        ColumnKind::Time => "timestamptz",
    };
    match value {
        Value::RecordedAt | Value::Time(_) => "e.recorded_at".to_owned(),
        Value::LastPosition => "e.position".to_owned(),
        Value::Null
        | Value::Uuid(_)
        | Value::SmallInt(_)
        | Value::BigInt(_)
        | Value::Text(_)
        | Value::Bytes(_) => format!("{}::{element}", bind()),
    }
}
