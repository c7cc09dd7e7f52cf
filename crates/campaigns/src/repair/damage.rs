//! Damage: a value flipped, a row taken out or put in, and what the doctor must say of it.

use std::collections::BTreeMap;

use anyhow::Context;
use eventstore::{AggregateId, EventStore, ProjectionTable, Row, Value};
use fastrand::Rng;
use jiff::{SignedDuration, Timestamp};
use user_service::projections::LAYOUTS;

use super::shell::{Shell, is_about_somebody};
use crate::projection_oracle;
use crate::seed::uuid;

/// Of whom, in which projection; nobody for what is only counted.
pub(super) type Whom = (&'static str, Option<AggregateId>);

/// What was done.
#[derive(Clone, Debug)]
pub(super) struct Damage {
    pub(super) table: &'static ProjectionTable,
    pub(super) whom: Whom,
    /// What the doctor's words must have: the column, or how else the rows differ.
    pub(super) words: &'static [&'static str],
}

/// No two users were created at one position, and a store may refuse a second.
const CREATED: &str = "created_position";

/// Behind every position that the log has.
const FAR: i64 = 1_000_000;

const WORDS: [&str; 4] = ["active", "inactive", "suspended", "deleted"];

/// Damages a row of a table, by chance in one of three ways.
pub(super) async fn in_table(
    store: &dyn EventStore,
    shell: &Shell,
    table: &'static ProjectionTable,
    rng: &mut Rng,
) -> anyhow::Result<Damage> {
    let rows: BTreeMap<Row, Row> = projection_oracle::rows_of(store, table).await?;
    let row = rows.values().nth(rng.usize(..rows.len())).context("there are rows")?;
    let (statement, row, words) = match rng.u8(..5) {
        0 => {
            let statement = format!("DELETE FROM {} WHERE {}", table.name, keyed(shell, table, row)?);
            (statement, row.clone(), &["missing", "has no row"][..])
        }
        1 => {
            let row = copied(table, row, rng);
            let values: Vec<_> = row.iter().map(|value| shell.literal(value)).collect::<Result<_, _>>()?;
            // A store may keep more beside them than it shows.
            let columns: Vec<_> = table.columns.iter().map(|column| column.name).collect();
            let (columns, values) = (columns.join(", "), values.join(", "));
            let statement = format!("INSERT INTO {} ({columns}) VALUES ({values})", table.name);
            (statement, row, &["a row too many", "a row of hers"][..])
        }
        _ => {
            let n = rng.usize(table.key_columns..table.columns.len());
            let column = &table.columns[n];
            let value = shell.literal(&flipped(column.name, &row[n], rng))?;
            let place = keyed(shell, table, row)?;
            let statement = format!("UPDATE {} SET {} = {value} WHERE {place}", table.name, column.name);
            (statement, row.clone(), std::slice::from_ref(&column.name))
        }
    };
    shell.run(&statement).await.with_context(|| statement.clone())?;
    let whom = match row[0] {
        Value::Uuid(id) if is_about_somebody(table) => Some(AggregateId(id)),
        _ => None,
    };
    Ok(Damage { table, whom: (projection_of(table), whom), words })
}

/// Takes a claim away from its owner, or gives her one that no event of hers speaks of.
pub(super) async fn in_claims(
    store: &dyn EventStore,
    shell: &Shell,
    rng: &mut Rng,
) -> anyhow::Result<(Whom, String)> {
    let claims = store.claims(None, 1000).await?;
    let (key, owner) = claims[rng.usize(..claims.len())];
    let hers = shell.literal(&Value::Uuid(owner.0))?;
    let (statement, undo) = if rng.bool() {
        let key = shell.literal(&Value::Uuid(key.0))?;
        let undo = format!("INSERT INTO claims (key, aggregate_id) VALUES ({key}, {hers})");
        (format!("DELETE FROM claims WHERE key = {key}"), undo)
    } else {
        let key = shell.literal(&Value::Uuid(uuid(rng)))?;
        let statement = format!("INSERT INTO claims (key, aggregate_id) VALUES ({key}, {hers})");
        (statement, format!("DELETE FROM claims WHERE key = {key}"))
    };
    shell.run(&statement).await?;
    Ok((("claims", Some(owner)), undo))
}

pub(super) fn projection_of(table: &ProjectionTable) -> &'static str {
    let own = LAYOUTS.iter().find(|layout| layout.tables.contains(&table));
    own.map_or("none", |layout| layout.name)
}

fn keyed(shell: &Shell, table: &ProjectionTable, row: &Row) -> anyhow::Result<String> {
    let columns = table.key().iter().zip(row);
    let equal = columns.map(|(column, value)| Ok(format!("{} = {}", column.name, shell.literal(value)?)));
    Ok(equal.collect::<anyhow::Result<Vec<_>>>()?.join(" AND "))
}

/// The same row under another key: somebody else's, one of another version, or one of another day.
fn copied(table: &ProjectionTable, row: &Row, rng: &mut Rng) -> Row {
    let mut row = row.clone();
    match (&row[0], &row[..table.key_columns]) {
        (Value::Uuid(_), [_]) => row[0] = Value::Uuid(uuid(rng)),
        (Value::Uuid(_), [_, Value::BigInt(version), ..]) => row[1] = Value::BigInt(version + 1_000),
        _ => row[0] = Value::Text("1999-12-31".to_owned()),
    }
    for (column, value) in table.columns.iter().zip(&mut row) {
        if column.name == CREATED {
            *value = flipped(column.name, value, rng);
        }
    }
    row
}

/// Another value, now and then one that makes no sense.
fn flipped(column: &str, value: &Value, rng: &mut Rng) -> Value {
    match value {
        Value::Text(word) if column == "status" => {
            let others: Vec<_> = WORDS.into_iter().filter(|other| other != word).collect();
            Value::Text(others[rng.usize(..others.len())].to_owned())
        }
        Value::Text(text) if rng.bool() => Value::Text(format!("{text}x")),
        Value::Text(_) => Value::Text("-".to_owned()),
        Value::SmallInt(number) => Value::SmallInt(number ^ rng.i16(1..16)),
        Value::BigInt(number) if column == CREATED => Value::BigInt(number + FAR),
        Value::BigInt(number) if rng.bool() => Value::BigInt(number ^ 1),
        Value::BigInt(number) => Value::BigInt(-1 - number),
        Value::Time(time) => Value::Time(*time + SignedDuration::from_secs(1)),
        Value::Uuid(_) => Value::Uuid(uuid(rng)),
        Value::Null => match column {
            "deleted_at" => Value::Time(Timestamp::UNIX_EPOCH),
            "email_claim" | "username_claim" => Value::Uuid(uuid(rng)),
            _ => Value::Text("-".to_owned()),
        },
        Value::Bytes(_) | Value::RecordedAt | Value::LastPosition => Value::Null,
    }
}
