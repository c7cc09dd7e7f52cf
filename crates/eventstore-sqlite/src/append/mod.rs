//! The writing of one batch, append by append, inside its transaction.
//!
//! An append is not judged here: constraints and row counts find what does not match, and only what they cannot see (a
//! version ahead of the head, also of an append without events) is looked up. Then the transaction is rolled back and
//! the batch is judged, which is dearer but refuses one append at a time.

mod event;

use eventstore::{Append, Appended, ClaimMove, Derived, InlineTable, Position, RowChange, RowWrite, Value};
use jiff::Timestamp;
use rusqlite::{CachedStatement, Connection, ErrorCode, OptionalExtension, ToSql};

use crate::inline::TableSql;
use crate::projection;
use crate::row::{Stamp, signed, stored};
use crate::verdict::stream_version;
use event::EventWriting;

const TAKE: &str = "INSERT INTO claims (key, aggregate_id) VALUES (?1, ?2)";
const MOVE: &str = "UPDATE claims SET key = ?2 WHERE key = ?1 AND aggregate_id = ?3";
const RELEASE: &str = "DELETE FROM claims WHERE key = ?1 AND aggregate_id = ?2";
const REMEMBER: &str =
    "INSERT INTO requests (key, fingerprint, aggregate_id, version, position) VALUES (?1, ?2, ?3, ?4, ?5)";

/// For the test that looks at their plans.
#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] = &[TAKE, MOVE, RELEASE, REMEMBER, event::PLAIN, event::GUARDED];

/// Where the log stands, as the writer remembers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) position: i64,
    pub(crate) recorded_at: Option<i64>,
}

impl Head {
    /// Where it stands indeed.
    pub(crate) fn read(connection: &Connection) -> rusqlite::Result<Self> {
        let mut statement = connection
            .prepare_cached("SELECT position, recorded_at FROM events ORDER BY position DESC LIMIT 1")?;
        let head =
            statement.query_row([], |row| Ok(Self { position: row.get(0)?, recorded_at: Some(row.get(1)?) }));
        Ok(head.optional()?.unwrap_or(Self { position: 0, recorded_at: None }))
    }
}

/// Why an append could not be written. The transaction holds part of it then, and must be rolled back.
#[derive(Debug)]
pub(crate) enum Failure {
    /// A row was not there, or not in the version that it should have.
    Mismatch,
    /// A row was there already; or the product's own schema does not like it.
    Constraint(rusqlite::Error),
    /// SQLite failed.
    Sql(rusqlite::Error),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::ConstraintViolation) => Self::Constraint(error),
            _ => Self::Sql(error),
        }
    }
}

/// One batch on its way into the log. Statements are fetched once per batch, not once per append.
pub(crate) struct Writing<'c> {
    connection: &'c Connection,
    tables: &'c [TableSql],
    events: EventWriting<'c>,
    take: CachedStatement<'c>,
    remember: CachedStatement<'c>,
    head: Head,
    recorded_at: i64,
}

impl<'c> Writing<'c> {
    pub(crate) fn begin(
        connection: &'c Connection,
        tables: &'c [TableSql],
        head: Head,
        recorded_at: i64,
    ) -> rusqlite::Result<Self> {
        let events = EventWriting::begin(connection)?;
        let take = connection.prepare_cached(TAKE)?;
        let remember = connection.prepare_cached(REMEMBER)?;
        Ok(Self { connection, tables, events, take, remember, head, recorded_at })
    }

    /// Where the log stands after what has been written so far.
    pub(crate) fn head(&self) -> Head {
        self.head
    }

    /// Writes one append, whole, or fails.
    pub(crate) fn append(&mut self, append: &Append) -> Result<Appended, Failure> {
        if append.events.is_empty() {
            matches(stream_version(self.connection, append)? == append.expected)?;
        }
        let first = self.head.position + 1;
        self.events.write(append, first, self.recorded_at)?;
        let stamp = Stamp {
            recorded_at: self.recorded_at,
            last_position: self.head.position + signed(append.events.len() as u64),
        };
        self.claims(append)?;
        for write in &append.rows {
            self.row(append, write, stamp)?;
        }
        self.request(append, stamp)?;
        // After the rows: one that an append deletes must be there for it.
        if append.derived == Derived::Erased {
            projection::erase(self.connection, append.aggregate_id)?;
        }
        if !append.events.is_empty() {
            self.head = Head { position: stamp.last_position, recorded_at: Some(stamp.recorded_at) };
        }
        Ok(appended(append, stamp))
    }

    /// Releases come first, so that another key can be taken in the same append.
    fn claims(&mut self, append: &Append) -> Result<(), Failure> {
        let stream = append.aggregate_id.0.as_bytes();
        for key in &append.claims.released {
            run_one(&mut *self.connection.prepare_cached(RELEASE)?, &[key.0.as_bytes(), stream])?;
        }
        for ClaimMove { from, to } in &append.claims.moved {
            run_one(
                &mut *self.connection.prepare_cached(MOVE)?,
                &[from.0.as_bytes(), to.0.as_bytes(), stream],
            )?;
        }
        for key in &append.claims.taken {
            run_one(&mut self.take, &[key.0.as_bytes(), stream])?;
        }
        Ok(())
    }

    fn row(&self, append: &Append, write: &RowWrite, stamp: Stamp) -> Result<(), Failure> {
        let sql = table_sql(self.tables, write.table);
        let expected = sql.table.version_column.map(|_| append.expected);
        let key = [Value::Uuid(append.aggregate_id.0)];
        let (text, row, expected) = match &write.change {
            RowChange::Insert(row) => (&sql.insert, row.as_slice(), None),
            RowChange::Update(row) => (&sql.update, row.as_slice(), expected),
            RowChange::Delete => (&sql.delete, key.as_slice(), expected),
        };
        let mut statement = self.connection.prepare_cached(text)?;
        for (n, value) in row.iter().enumerate() {
            statement.raw_bind_parameter(n + 1, stored(value, Some(stamp)))?;
        }
        if let Some(version) = expected {
            statement.raw_bind_parameter(row.len() + 1, signed(version.0))?;
        }
        matches(statement.raw_execute()? == 1)
    }

    fn request(&mut self, append: &Append, stamp: Stamp) -> Result<(), Failure> {
        let Some(request) = &append.request else { return Ok(()) };
        run_one(
            &mut self.remember,
            &[
                request.key.0.as_bytes(),
                request.fingerprint.0.as_bytes(),
                append.aggregate_id.0.as_bytes(),
                &signed(append.version_after().0),
                &stamp.last_position,
            ],
        )
    }
}

fn appended(append: &Append, stamp: Stamp) -> Appended {
    Appended {
        position: Position(stamp.last_position.unsigned_abs()),
        version: append.version_after(),
        recorded_at: Timestamp::from_microsecond(stamp.recorded_at).unwrap_or(Timestamp::MAX),
    }
}

/// Runs a statement that must touch exactly one row.
fn run_one(statement: &mut rusqlite::Statement<'_>, parameters: &[&dyn ToSql]) -> Result<(), Failure> {
    matches(statement.execute(parameters)? == 1)
}

fn matches(does: bool) -> Result<(), Failure> {
    if does { Ok(()) } else { Err(Failure::Mismatch) }
}

/// The statements of a table. The store has refused appends with a table that it was not opened with.
pub(crate) fn table_sql<'t>(tables: &'t [TableSql], table: &'static InlineTable) -> &'t TableSql {
    tables
        .iter()
        .find(|sql| sql.table.name == table.name)
        .expect("the table was declared when the store was opened")
}
