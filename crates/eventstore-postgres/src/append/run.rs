//! The running of the statement, and what it means when it fails.

use std::collections::HashMap;

use eventstore::append_task::{CommitError, Layout};
use eventstore::{Append, Appended, BoxError, Position, WriterRefusal};
use jiff::Timestamp;
use thiserror::Error;
use tokio_postgres::error::{DbError, Severity, SqlState};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Error, Statement};

use super::part::{Part, Shape};
use super::parts::{parts, place};
use super::statement::{HEAD_PARAMETERS, text};
use crate::row::Moment;
use crate::said::Said;

/// Which generation of writers this is. A log whose floor is higher takes no appends from it.
pub(crate) const WRITER: i32 = 1;

/// Each costs the server some memory. More shapes than this do not occur in practice; then all are made again.
const PREPARED_MAX: usize = 100;

/// Raised by `head_locked`.
const TOO_OLD: &str = "UV001";
const CLOCK_JUMPED: &str = "UV002";
const HELD: &str = "UV003";

/// Somebody holds the appends of all instances: nothing was committed, and it is worth waiting.
#[derive(Clone, Copy, Debug, Error)]
#[error("appends are held")]
pub(crate) struct Held;

/// The log takes rows of another layout, and this binary knows it: nothing was committed, and it is worth another try.
#[derive(Clone, Copy, Debug, Error)]
#[error("the log takes rows of another layout")]
pub(crate) struct Moved;

/// What a batch is stamped with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    /// What the tests' clock shows.
    pub(crate) clock: Option<Timestamp>,
    /// The latest time that is believed.
    pub(crate) latest: Option<Timestamp>,
}

/// A batch that was written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Written {
    /// The head before it.
    pub(crate) head: i64,
    /// The time of its events.
    pub(crate) recorded_at: Timestamp,
    /// What the clock showed.
    pub(crate) shown: Timestamp,
}

impl Written {
    /// Where each append came to stand.
    pub(crate) fn appended<'a>(
        self,
        batch: impl IntoIterator<Item = &'a Append>,
    ) -> impl Iterator<Item = Appended> {
        place(batch).into_iter().map(move |placed| Appended {
            position: Position((self.head + placed.last()).cast_unsigned()),
            version: placed.append.version_after(),
            recorded_at: self.recorded_at,
        })
    }
}

/// A batch that can be sent in one message.
#[derive(Debug)]
pub(crate) struct Ready<'a> {
    statement: Statement,
    parts: Vec<Part<'a>>,
}

/// The statements of one connection, made when they are needed.
#[derive(Debug, Default)]
pub(crate) struct Statements(HashMap<Shape, Statement>);

impl Statements {
    /// Prepares what the batch needs.
    pub(crate) async fn ready<'a>(
        &mut self,
        client: &Client,
        layout: &Layout,
        batch: impl IntoIterator<Item = &'a Append>,
    ) -> Result<Ready<'a>, Error> {
        let parts = parts(&place(batch), layout.tables());
        let shape: Shape = parts.iter().map(Part::shape).collect();
        if let Some(statement) = self.0.get(&shape) {
            return Ok(Ready { statement: statement.clone(), parts });
        }
        if self.0.len() == PREPARED_MAX {
            self.0.clear();
        }
        let statement = client.prepare(&text(&parts)).await?;
        self.0.insert(shape, statement.clone());
        Ok(Ready { statement, parts })
    }
}

impl Ready<'_> {
    /// Sends it. Returns when the server is done with it, which is after its commit if it stands alone.
    pub(crate) async fn write(
        &self,
        client: &Client,
        layout: &Layout,
        times: Times,
    ) -> Result<Written, CommitError> {
        let writes = layout.text();
        let clock = times.clock.map(Moment::from);
        let latest = times.latest.map(Moment::from);
        let head: [&(dyn ToSql + Sync); HEAD_PARAMETERS] = [&WRITER, &writes, &clock, &latest];
        let columns =
            self.parts.iter().flat_map(|part| part.columns.iter().map(|c| c.values.parameter(part.form)));
        let parameters: Vec<_> = head.into_iter().chain(columns).collect();
        let rows = client.query(&self.statement, &parameters).await.map_err(failed)?;
        let answer = || -> Result<Written, BoxError> {
            let row = rows.first().ok_or("no answer")?;
            let moment =
                |n: usize| -> Result<Timestamp, BoxError> { Ok(row.try_get::<_, Moment>(n)?.timestamp()?) };
            Ok(Written { head: row.try_get(0)?, recorded_at: moment(1)?, shown: moment(2)? })
        };
        answer().map_err(CommitError::Unknown)
    }
}

/// What an error means that came while something might have been committed. An error that the server reports as such
/// ends the transaction: nothing was committed. Anything else (the connection ended, also when the server said why)
/// leaves it open.
pub(crate) fn failed(error: Error) -> CommitError {
    match error.as_db_error() {
        Some(said) if said.parsed_severity() == Some(Severity::Error) => {
            refused(said).unwrap_or_else(|| not_executed(error))
        }
        Some(_) | None => CommitError::Unknown(Said::from(error).into()),
    }
}

/// What an error means that came before anything was sent that could be committed.
pub(crate) fn not_begun(error: Error) -> CommitError {
    match error.as_db_error() {
        Some(said) if said.parsed_severity() == Some(Severity::Error) => {
            refused(said).unwrap_or_else(|| not_executed(error))
        }
        // The connection has gone; there may be another one at once.
        Some(_) | None => CommitError::Transient(Said::from(error).into()),
    }
}

fn refused(said: &DbError) -> Option<CommitError> {
    let code = said.code();
    if *code == SqlState::UNIQUE_VIOLATION || *code == SqlState::DIVISION_BY_ZERO {
        return Some(CommitError::Mismatch);
    }
    match code.code() {
        TOO_OLD => Some(CommitError::Refused(WriterRefusal::TooOld)),
        CLOCK_JUMPED => Some(CommitError::Refused(WriterRefusal::ClockJumped)),
        HELD => Some(CommitError::NotExecuted(Box::new(Held))),
        _ => None,
    }
}

fn not_executed(error: Error) -> CommitError {
    match error.code() {
        Some(code)
            if *code == SqlState::T_R_DEADLOCK_DETECTED || *code == SqlState::T_R_SERIALIZATION_FAILURE =>
        {
            CommitError::Transient(Said::from(error).into())
        }
        Some(_) | None => CommitError::NotExecuted(Said::from(error).into()),
    }
}
