//! The same rows, one transaction per command: what one writes with rusqlite at hand. The callers take turns on one
//! connection, on their own thread: there is no hop, which a queue to a writer would cost.

use std::collections::HashMap;
use std::path::Path;

use anyhow::ensure;
use eventstore::{Append, InlineTable, Row, RowChange, Value};
use rusqlite::types::{ToSqlOutput, Value as Owned, ValueRef};
use rusqlite::{CachedStatement, Connection};
use tokio::sync::Mutex;

use super::FULL;
use super::file::File;
use crate::audit;
use crate::cost::Gauge;
use crate::load::{Measured, Shape, Target, drive};
use crate::process;
use crate::workload::{Answer, Command, Mix, Rung, callers};

/// The settings of our own writer.
const SETTINGS: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; \
    PRAGMA foreign_keys = ON; PRAGMA cache_size = -65536; PRAGMA wal_autocheckpoint = 16000;";

const EVENT: &str = "INSERT INTO events (position, recorded_at, aggregate_id, version, event_id, aggregate_type, \
    event_type, schema_version, actor, request_id, correlation_id, causation_id, data, sealed) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)";
const TAKE: &str = "INSERT INTO claims (key, aggregate_id) VALUES (?1, ?2)";
const MOVE: &str = "UPDATE claims SET key = ?2 WHERE key = ?1 AND aggregate_id = ?3";
const REMEMBER: &str =
    "INSERT INTO requests (key, fingerprint, aggregate_id, version, position) VALUES (?1, ?2, ?3, ?4, ?5)";

/// A connection that callers take in turn.
#[derive(Debug)]
struct Single(Mutex<Writer>);

#[derive(Debug)]
struct Writer {
    connection: Connection,
    position: i64,
    /// Insert and update of each inline table.
    tables: HashMap<&'static str, (String, String)>,
}

impl Target for Single {
    type Line = ();

    async fn line(&self) -> anyhow::Result<()> {
        Ok(())
    }

    async fn execute(&self, (): &mut (), command: Command) -> anyhow::Result<Answer> {
        self.0.lock().await.write(&command.append)?;
        Ok(Answer::Accepted)
    }
}

impl Writer {
    fn open(path: &Path, rung: Rung) -> anyhow::Result<Self> {
        let connection = Connection::open(path)?;
        connection.execute_batch(SETTINGS)?;
        connection.set_prepared_statement_cache_capacity(64);
        let tables = rung.tables().iter().map(|table| (table.name, (insert(table), update(table)))).collect();
        Ok(Self { connection, position: 0, tables })
    }

    fn write(&mut self, append: &Append) -> anyhow::Result<()> {
        self.run("BEGIN IMMEDIATE", &[])?;
        self.position += 1;
        let recorded_at = jiff_now();
        self.event(append, recorded_at)?;
        let stream = append.aggregate_id.0.as_bytes().as_slice();
        for key in &append.claims.taken {
            self.run(TAKE, &[blob(key.0.as_bytes()), blob(stream)])?;
        }
        for claim in &append.claims.moved {
            self.run(MOVE, &[blob(claim.from.0.as_bytes()), blob(claim.to.0.as_bytes()), blob(stream)])?;
        }
        for write in &append.rows {
            let (insert, update) = &self.tables[write.table.name];
            match &write.change {
                RowChange::Insert(row) => self.row(insert, row, None, recorded_at)?,
                RowChange::Update(row) => {
                    let expected = write.table.version_column.map(|_| append.expected.0.cast_signed());
                    self.row(update, row, expected, recorded_at)?;
                }
                RowChange::Delete => {}
            }
        }
        if let Some(request) = append.request {
            let (key, fingerprint) = (blob(request.key.0.as_bytes()), blob(request.fingerprint.0.as_bytes()));
            let version = integer(append.version_after().0.cast_signed());
            self.run(REMEMBER, &[key, fingerprint, blob(stream), version, integer(self.position)])?;
        }
        self.run("COMMIT", &[])
    }

    fn event(&self, append: &Append, recorded_at: i64) -> anyhow::Result<()> {
        let (event, metadata) = (&append.events[0], &append.metadata);
        let row = [
            integer(self.position),
            integer(recorded_at),
            blob(append.aggregate_id.0.as_bytes()),
            integer(append.version_after().0.cast_signed()),
            blob(event.event_id.0.as_bytes()),
            text(append.aggregate_type),
            text(event.event_type),
            integer(event.schema_version.into()),
            metadata.actor.as_deref().map_or(NULL, text),
            metadata.request_id.as_ref().map_or(NULL, |id| blob(id.as_bytes())),
            metadata.correlation_id.as_ref().map_or(NULL, |id| blob(id.as_bytes())),
            metadata.causation_id.as_ref().map_or(NULL, |id| blob(id.as_bytes())),
            text(&event.data),
            event.sealed.as_deref().map_or(NULL, blob),
        ];
        self.run(EVENT, &row)
    }

    fn row(&self, sql: &str, row: &Row, expected: Option<i64>, recorded_at: i64) -> anyhow::Result<()> {
        let columns = row.iter().map(|value| match value {
            Value::Null => NULL,
            Value::Uuid(uuid) => blob(uuid.as_bytes()),
            Value::SmallInt(n) => integer((*n).into()),
            Value::BigInt(n) => integer(*n),
            Value::Text(value) => text(value),
            Value::Bytes(bytes) => blob(bytes),
            Value::Time(time) => integer(time.as_microsecond()),
            Value::RecordedAt => integer(recorded_at),
            Value::LastPosition => integer(self.position),
        });
        let values: Vec<_> = columns.chain(expected.map(integer)).collect();
        self.run(sql, &values)
    }

    /// A statement that writes one row, or none because it writes none.
    fn run(&self, sql: &str, values: &[ToSqlOutput<'_>]) -> anyhow::Result<()> {
        let mut statement: CachedStatement<'_> = self.connection.prepare_cached(sql)?;
        for (n, value) in values.iter().enumerate() {
            statement.raw_bind_parameter(n + 1, value)?;
        }
        let written = statement.raw_execute()?;
        ensure!(values.is_empty() || written == 1, "{written} rows: {sql}");
        Ok(())
    }
}

const NULL: ToSqlOutput<'static> = ToSqlOutput::Borrowed(ValueRef::Null);

fn blob(bytes: &[u8]) -> ToSqlOutput<'_> {
    ToSqlOutput::Borrowed(ValueRef::Blob(bytes))
}

fn text(text: &str) -> ToSqlOutput<'_> {
    ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes()))
}

fn integer(n: i64) -> ToSqlOutput<'static> {
    ToSqlOutput::Owned(Owned::Integer(n))
}

fn insert(table: &InlineTable) -> String {
    let names: Vec<_> = table.columns.iter().map(|column| column.name).collect();
    let values: Vec<_> = (1..=names.len()).map(|n| format!("?{n}")).collect();
    format!("INSERT INTO {} ({}) VALUES ({})", table.name, names.join(", "), values.join(", "))
}

fn update(table: &InlineTable) -> String {
    let names: Vec<_> = table.updated_columns().map(|column| column.name).collect();
    let set: Vec<_> = (1..names.len()).map(|n| format!("{} = ?{}", names[n], n + 1)).collect();
    let version = names.len() + 1;
    let version = table.version_column.map_or(String::new(), |column| format!(" AND {column} = ?{version}"));
    format!("UPDATE {} SET {} WHERE {} = ?1{version}", table.name, set.join(", "), names[0])
}

#[expect(clippy::disallowed_methods, reason = "a contender of its own, without our clock's seam")]
fn jiff_now() -> i64 {
    jiff::Timestamp::now().as_microsecond()
}

pub(crate) async fn measure_single(folder: &Path, rung: Rung, shape: Shape) -> anyhow::Result<Measured> {
    let file = File::fresh(folder, rung, FULL).await?;
    let single = Single(Mutex::new(Writer::open(&file.path(), rung)?));
    let gauge = Gauge::of(process::own());
    let (single, measured) =
        drive(single, callers(0, shape.callers, rung, Mix::ALL_ACCEPTED), shape, gauge).await?;
    drop(single);
    file.audit(measured.accepted, &audit::ORDER[..1], &audit::contents(rung))?;
    Ok(measured)
}
