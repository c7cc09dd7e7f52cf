//! The reads: a small pool of connections, and one function per question.
//!
//! They run on the caller's own thread: a look-up by key takes less than handing it to another thread. Each answers
//! within one statement, so no read transaction outlives its page.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use eventstore::{
    AggregateId, ClaimKey, EventId, Fingerprint, Head, Metadata, Position, ReadError, ReaderStats,
    RecordedEvent, RequestKey, RequestRecord, Row, Select, StatementCounts, StoreSize, StreamCursor, Value,
    Version,
};
use jiff::Timestamp;
use rusqlite::{Connection, Error, ErrorCode, OptionalExtension, StatementStatus, params};
use uuid::Uuid;

use crate::row::{self, signed};
use crate::{OpenError, connection};

/// How many events are measured to estimate the size of all.
const SAMPLES: u64 = 256;

macro_rules! events {
    ($tail:literal) => {
        concat!(
            "SELECT position, recorded_at, aggregate_type, aggregate_id, version, event_id, event_type, schema_version,
            actor, request_id, correlation_id, causation_id, data, sealed FROM events ",
            $tail
        )
    };
}
pub(crate) use events;

const STREAM: &str = events!("WHERE aggregate_id = ?1 AND version > ?2 ORDER BY version LIMIT ?3");
const STREAM_HEAD: &str = events!("WHERE aggregate_id = ?1 ORDER BY version DESC LIMIT 1");
const STREAMS: &str = events!(
    "WHERE (aggregate_id, version) > (?1, ?2) AND position <= ?3 ORDER BY aggregate_id, version LIMIT ?4"
);
/// Half a dozen bytes per column besides what it holds; the lengths of long columns are known without reading them.
const EVENT_SIZE: &str =
    "SELECT 120 + octet_length(data) + coalesce(octet_length(sealed), 0) FROM events WHERE position = ?1";
pub(crate) const HEAD: &str =
    "SELECT position, event_id, recorded_at FROM events ORDER BY position DESC LIMIT 1";
const RECORDED_AT: &str = "SELECT recorded_at FROM events WHERE position = ?1";
const CLAIM_OWNER: &str = "SELECT aggregate_id FROM claims WHERE key = ?1";
const CLAIMS: &str = "SELECT key, aggregate_id FROM claims WHERE key > ?1 ORDER BY key LIMIT ?2";
const REQUEST: &str = "SELECT fingerprint, aggregate_id, version, position FROM requests WHERE key = ?1";
const REQUESTS: &str = "SELECT key, position FROM requests WHERE key > ?1 ORDER BY key LIMIT ?2";
const FORGET: &str = "DELETE FROM requests WHERE key = ?1";
pub(crate) const STREAM_VERSION: &str =
    "SELECT version FROM events WHERE aggregate_id = ?1 ORDER BY version DESC LIMIT 1";

/// For the test that looks at their plans.
#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] = &[
    STREAM,
    STREAM_HEAD,
    STREAM_VERSION,
    STREAMS,
    EVENT_SIZE,
    RECORDED_AT,
    CLAIM_OWNER,
    CLAIMS,
    REQUEST,
    REQUESTS,
    FORGET,
];

/// Connections that read. There are never more of them than threads that read at once.
#[derive(Debug)]
pub(crate) struct Readers {
    path: PathBuf,
    /// `None` once the store is closed.
    idle: Mutex<Option<Vec<Connection>>>,
    busy: AtomicU64,
    statements: StatementCounts,
}

impl Readers {
    pub(crate) fn new(path: PathBuf) -> Self {
        let (busy, statements) = (AtomicU64::new(0), StatementCounts::default());
        Self { path, idle: Mutex::new(Some(Vec::new())), busy, statements }
    }

    /// Reads on a connection of its own.
    pub(crate) fn read<T>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, ReadError>,
    ) -> Result<T, ReadError> {
        let connection = self.take()?;
        self.busy.fetch_add(1, Ordering::Relaxed);
        let result = read(&connection);
        self.busy.fetch_sub(1, Ordering::Relaxed);
        if !matches!(result, Err(ReadError::StoreDown(_) | ReadError::Corrupt(_)))
            && let Some(idle) = self.idle().as_mut()
        {
            idle.push(connection);
        }
        result
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Nobody waits for a connection: there is one for whoever reads.
    pub(crate) fn stats(&self) -> ReaderStats {
        let idle = self.idle().as_ref().map_or(0, Vec::len) as u64;
        ReaderStats { idle, busy: self.busy.load(Ordering::Relaxed), waiting: 0 }
    }

    pub(crate) fn statements(&self) -> &StatementCounts {
        &self.statements
    }

    pub(crate) fn close(&self) {
        drop(self.idle().take());
    }

    fn take(&self) -> Result<Connection, ReadError> {
        let idle = self
            .idle()
            .as_mut()
            .map(Vec::pop)
            .ok_or_else(|| ReadError::StoreDown("the store is closed".into()));
        idle?.map_or_else(|| connection::reader(&self.path).map_err(unopened), Ok)
    }

    fn idle(&self) -> MutexGuard<'_, Option<Vec<Connection>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unopened(error: OpenError) -> ReadError {
    match error {
        OpenError::NotADatabase(_) | OpenError::NotALog(_) => ReadError::Corrupt(error.to_string()),
        other => ReadError::StoreDown(Box::new(other)),
    }
}

/// Sorts what SQLite says: the file cannot be read now, it does not hold what it should, or the statement is wrong.
pub(crate) fn failed(error: Error) -> ReadError {
    let code = error.sqlite_error_code();
    match (&error, code) {
        (
            Error::FromSqlConversionFailure(..) | Error::IntegralValueOutOfRange(..) | Error::Utf8Error(..),
            _,
        )
        | (_, Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)) => {
            ReadError::Corrupt(error.to_string())
        }
        (
            _,
            Some(
                ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::OutOfMemory
                | ErrorCode::SystemIoFailure
                | ErrorCode::DiskFull
                | ErrorCode::CannotOpen
                | ErrorCode::ReadOnly
                | ErrorCode::FileLockingProtocolFailed
                | ErrorCode::OperationInterrupted,
            ),
        ) => ReadError::StoreDown(Box::new(error)),
        _ => ReadError::Malformed(Box::new(error)),
    }
}

pub(crate) fn stream(
    connection: &Connection,
    id: AggregateId,
    after: Version,
    limit: u32,
) -> rusqlite::Result<Vec<RecordedEvent>> {
    let mut statement = connection.prepare_cached(STREAM)?;
    let rows = statement.query_map(params![id.0.as_bytes(), signed(after.0), limit], recorded)?;
    rows.collect()
}

pub(crate) fn stream_head(
    connection: &Connection,
    id: AggregateId,
) -> rusqlite::Result<Option<RecordedEvent>> {
    connection.prepare_cached(STREAM_HEAD)?.query_row(params![id.0.as_bytes()], recorded).optional()
}

/// Events of all streams in the order of the index on (stream, version).
pub(crate) fn streams(
    connection: &Connection,
    after: Option<StreamCursor>,
    Position(up_to): Position,
    limit: u32,
) -> rusqlite::Result<Vec<RecordedEvent>> {
    let mut statement = connection.prepare_cached(STREAMS)?;
    let id = start(after.as_ref().map(|cursor| &cursor.aggregate_id.0));
    let version = signed(after.map_or(0, |cursor| cursor.version.0));
    statement.query_map(params![id, version, signed(up_to), limit], recorded)?.collect()
}

/// What the table of events takes is estimated from some of them: to count its pages is to read them all.
pub(crate) fn size(connection: &Connection) -> rusqlite::Result<StoreSize> {
    let pragma = |name| connection.pragma_query_value(None, name, |row| count(row, 0));
    let Position(events) = head(connection)?.position;
    let samples = events.min(SAMPLES);
    let mut statement = connection.prepare_cached(EVENT_SIZE)?;
    let mut bytes = 0;
    for n in 1..=samples {
        bytes += statement.query_row([signed(events * n / samples)], |row| count(row, 0))?;
    }
    Ok(StoreSize {
        events: (bytes * events).checked_div(samples).unwrap_or(0),
        indexes: None,
        total: pragma("page_count")? * pragma("page_size")?,
        wal: None,
    })
}

pub(crate) fn head(connection: &Connection) -> rusqlite::Result<Head> {
    let mut statement = connection.prepare_cached(HEAD)?;
    let head = statement.query_row([], |row| {
        let event_id = Some(EventId(uuid(row, 1)?));
        Ok(Head { position: Position(count(row, 0)?), event_id, recorded_at: Some(time(row, 2)?) })
    });
    Ok(head.optional()?.unwrap_or(Head { position: Position::START, event_id: None, recorded_at: None }))
}

/// Halves the log until it stands on the answer: times never go backwards along positions, and positions have no gaps,
/// so no index on the time is needed.
pub(crate) fn position_at(connection: &Connection, moment: Timestamp) -> rusqlite::Result<Position> {
    let mut statement = connection.prepare_cached(RECORDED_AT)?;
    let (mut before, mut after) = (0, head(connection)?.position.0 + 1);
    while after - before > 1 {
        let middle = before + (after - before) / 2;
        let recorded_at: i64 = statement.query_row(params![signed(middle)], |row| row.get(0))?;
        if recorded_at <= moment.as_microsecond() {
            before = middle;
        } else {
            after = middle;
        }
    }
    Ok(Position(before))
}

pub(crate) fn claim_owner(connection: &Connection, key: ClaimKey) -> rusqlite::Result<Option<AggregateId>> {
    let mut statement = connection.prepare_cached(CLAIM_OWNER)?;
    statement.query_row(params![key.0.as_bytes()], |row| uuid(row, 0).map(AggregateId)).optional()
}

pub(crate) fn claims(
    connection: &Connection,
    after: Option<ClaimKey>,
    limit: u32,
) -> rusqlite::Result<Vec<(ClaimKey, AggregateId)>> {
    let mut statement = connection.prepare_cached(CLAIMS)?;
    let rows = statement.query_map(params![start(after.as_ref().map(|key| &key.0)), limit], |row| {
        Ok((ClaimKey(uuid(row, 0)?), AggregateId(uuid(row, 1)?)))
    })?;
    rows.collect()
}

pub(crate) fn request(connection: &Connection, key: RequestKey) -> rusqlite::Result<Option<RequestRecord>> {
    let mut statement = connection.prepare_cached(REQUEST)?;
    let record = statement.query_row(params![key.0.as_bytes()], |row| {
        Ok(RequestRecord {
            fingerprint: Fingerprint(uuid(row, 0)?),
            aggregate_id: AggregateId(uuid(row, 1)?),
            version: Version(count(row, 2)?),
            position: Position(count(row, 3)?),
        })
    });
    record.optional()
}

/// Looks at `limit` request ids and forgets the old ones among them. Runs on the writer.
pub(crate) fn prune_requests(
    connection: &Connection,
    before: Position,
    after: Option<RequestKey>,
    limit: u32,
) -> rusqlite::Result<Option<RequestKey>> {
    let transaction = connection.unchecked_transaction()?;
    let seen: Vec<(Uuid, u64)> = transaction
        .prepare_cached(REQUESTS)?
        .query_map(params![start(after.as_ref().map(|key| &key.0)), limit], |row| {
            Ok((uuid(row, 0)?, count(row, 1)?))
        })?
        .collect::<Result<_, _>>()?;
    for (key, _) in seen.iter().filter(|(_, position)| *position <= before.0) {
        transaction.prepare_cached(FORGET)?.execute(params![key.as_bytes()])?;
    }
    transaction.commit()?;
    let stopped = if seen.len() == limit as usize { seen.last() } else { None };
    Ok(stopped.map(|(key, _)| RequestKey(*key)))
}

pub(crate) fn select(
    connection: &Connection,
    counts: &StatementCounts,
    query: &Select,
    parameters: &[Value],
) -> Result<Vec<Row>, ReadError> {
    let mut statement = connection.prepare_cached(query.sql).map_err(failed)?;
    // The cache keeps no count, but a statement knows how often it has been run.
    if statement.get_status(StatementStatus::Run) > 0 {
        counts.found();
    } else {
        counts.prepared();
    }
    row::bind(&mut statement, parameters)?;
    let mut rows = statement.raw_query();
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(failed)? {
        let values = query.columns.iter().enumerate().map(|(index, kind)| row::value(row, index, *kind));
        found.push(values.collect::<Result<_, _>>()?);
    }
    Ok(found)
}

/// Runs on the writer.
pub(crate) fn execute(connection: &Connection, sql: &str, parameters: &[Value]) -> Result<u64, ReadError> {
    let mut statement = connection.prepare_cached(sql).map_err(failed)?;
    row::bind(&mut statement, parameters)?;
    Ok(statement.raw_execute().map_err(failed)? as u64)
}

pub(crate) fn recorded(row: &rusqlite::Row<'_>) -> rusqlite::Result<RecordedEvent> {
    Ok(RecordedEvent {
        position: Position(count(row, 0)?),
        recorded_at: time(row, 1)?,
        aggregate_type: row.get(2)?,
        aggregate_id: AggregateId(uuid(row, 3)?),
        version: Version(count(row, 4)?),
        event_id: EventId(uuid(row, 5)?),
        event_type: row.get(6)?,
        schema_version: row.get(7)?,
        metadata: Metadata {
            actor: row.get(8)?,
            request_id: maybe_uuid(row, 9)?,
            correlation_id: maybe_uuid(row, 10)?,
            causation_id: maybe_uuid(row, 11)?,
        },
        data: row.get(12)?,
        sealed: row.get(13)?,
    })
}

/// A version or a position.
pub(crate) fn count(row: &rusqlite::Row<'_>, index: usize) -> rusqlite::Result<u64> {
    let n: i64 = row.get(index)?;
    u64::try_from(n).map_err(|_| Error::IntegralValueOutOfRange(index, n))
}

pub(crate) fn uuid(row: &rusqlite::Row<'_>, index: usize) -> rusqlite::Result<Uuid> {
    row.get(index).map(Uuid::from_bytes)
}

pub(crate) fn maybe_uuid(row: &rusqlite::Row<'_>, index: usize) -> rusqlite::Result<Option<Uuid>> {
    Ok(row.get::<_, Option<_>>(index)?.map(Uuid::from_bytes))
}

pub(crate) fn time(row: &rusqlite::Row<'_>, index: usize) -> rusqlite::Result<Timestamp> {
    let micros = row.get(index)?;
    Timestamp::from_microsecond(micros).map_err(|_| Error::IntegralValueOutOfRange(index, micros))
}

/// The key to start after; nothing is less than no bytes.
fn start(after: Option<&Uuid>) -> &[u8] {
    after.map_or(&[], |key| key.as_bytes())
}
