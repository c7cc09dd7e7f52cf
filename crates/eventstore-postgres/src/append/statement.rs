//! The text of the statement, from the parts that the batch has. A part that it has not is not there: it would cost.
//!
//! Names come from declarations in the product's source, never from data.

use std::fmt::Write;

use eventstore::InlineTable;

use super::array::Form;
use super::part::{Column, EXPECTED, Kind, LAST_POSITION_LIMIT, Part, Stamp};

/// The parameters of `head_locked`, in front of those of the parts.
pub(super) const HEAD_PARAMETERS: usize = 4;

const HEAD: &str = "WITH b AS MATERIALIZED \
    (SELECT p, ts, shown FROM head_locked($1::int4, $2::text, $3::timestamptz, $4::timestamptz))";

/// The whole statement. It answers with the head before the batch, its time, and what the clock showed; it raises a
/// division by zero when a row that must be there was not.
pub(super) fn text(parts: &[Part<'_>]) -> String {
    let mut sql = HEAD.to_owned();
    let mut checks = Vec::new();
    let mut first = HEAD_PARAMETERS + 1;
    for (n, part) in parts.iter().enumerate() {
        // Writing to a string cannot fail.
        let _ = write!(sql, ", p{n} AS ({})", part_text(part, first));
        if part.is_counted() {
            let rows = match part.form {
                Form::One => "1".to_owned(),
                Form::Many => format!("cardinality(${first})"),
            };
            checks.push(format!("(SELECT count(*) FROM p{n}) = {rows}"));
        }
        first += part.columns.len();
    }
    sql += " SELECT b.p, b.ts, b.shown";
    if !checks.is_empty() {
        let _ = write!(sql, ", 1 / (CASE WHEN {} THEN 1 ELSE 0 END)", checks.join(" AND "));
    }
    sql + " FROM b"
}

fn part_text(part: &Part<'_>, first: usize) -> String {
    let rows = rows(part, first);
    match part.kind {
        Kind::Events => insert("events", "recorded_at, ", "b.ts, ", part, &rows),
        Kind::Taken => insert("claims", "", "", part, &rows),
        Kind::Requests => insert("requests", "", "", part, &rows),
        Kind::Inserted(table) => insert(table.name, "", "", part, &rows),
        Kind::Reached => format!(
            "SELECT 1 FROM {rows} JOIN events t ON t.aggregate_id = u.aggregate_id AND t.version = u.version"
        ),
        Kind::Moved => format!(
            "UPDATE claims t SET key = u.wanted FROM b, {rows} \
             WHERE t.key = u.owned AND t.aggregate_id = u.aggregate_id RETURNING 1"
        ),
        Kind::Released => format!(
            "DELETE FROM claims t USING b, {rows} \
             WHERE t.key = u.owned AND t.aggregate_id = u.aggregate_id RETURNING 1"
        ),
        Kind::Updated(table) => update(table, part, &rows),
        Kind::Deleted(table) => {
            format!("DELETE FROM {} t USING b, {rows} WHERE {} RETURNING 1", table.name, row(table))
        }
    }
}

/// The part's rows as `u`, with the names of its columns.
fn rows(part: &Part<'_>, first: usize) -> String {
    let parameter = |(n, column): (usize, &Column<'_>)| match part.form {
        Form::One => format!("${}::{}", first + n, column.values.element()),
        Form::Many => format!("${}::{}[]", first + n, column.values.element()),
    };
    let parameters: Vec<_> = part.columns.iter().enumerate().map(parameter).collect();
    let names: Vec<_> = part.columns.iter().map(|column| quoted(column.name)).collect();
    let (parameters, names) = (parameters.join(", "), names.join(", "));
    match part.form {
        Form::One => format!("(VALUES ({parameters})) u({names})"),
        Form::Many => format!("unnest({parameters}) u({names})"),
    }
}

fn insert(table: &str, more_names: &str, more_values: &str, part: &Part<'_>, rows: &str) -> String {
    let names: Vec<_> = part.columns.iter().map(|column| quoted(column.name)).collect();
    let values: Vec<_> = part.columns.iter().map(value).collect();
    format!(
        "INSERT INTO {table} ({more_names}{}) SELECT {more_values}{} FROM b, {rows}",
        names.join(", "),
        values.join(", ")
    )
}

fn update(table: &InlineTable, part: &Part<'_>, rows: &str) -> String {
    let written = part.columns.iter().filter(|column| column.name != EXPECTED);
    // The key is among them only where there is nothing else: such an update asserts that the row is there.
    let skipped = usize::from(table.updated_columns().count() > 1);
    let set: Vec<_> = written.skip(skipped).map(|c| format!("{} = {}", quoted(c.name), value(c))).collect();
    format!("UPDATE {} t SET {} FROM b, {rows} WHERE {} RETURNING 1", table.name, set.join(", "), row(table))
}

/// The row that an update or a delete must find.
fn row(table: &InlineTable) -> String {
    let key = quoted(table.key().name);
    let version = table
        .version_column
        .map_or(String::new(), |version| format!(" AND t.{} = u.{}", quoted(version), quoted(EXPECTED)));
    format!("t.{key} = u.{key}{version}")
}

fn value(column: &Column<'_>) -> String {
    let u = format!("u.{}", quoted(column.name));
    match column.stamp {
        Stamp::None => u,
        Stamp::FromHead => format!("b.p + {u}"),
        Stamp::RecordedAt => format!("CASE WHEN {u} = 'infinity' THEN b.ts ELSE {u} END"),
        Stamp::LastPosition => format!(
            "CASE WHEN {u} < {LAST_POSITION_LIMIT} THEN b.p + ({u} - ('{}'::int8)) ELSE {u} END",
            i64::MIN
        ),
    }
}

fn quoted(name: &str) -> String {
    format!("\"{name}\"")
}
