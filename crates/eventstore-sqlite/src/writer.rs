//! The one writer: its connection, its thread, and one transaction per batch.
//!
//! What goes wrong before COMMIT has not happened: no commit record has been written. What goes wrong at COMMIT is
//! unknown until the file has been opened again.

use std::convert::Infallible;
use std::fs::File;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Instant;
use std::{future, io, thread};

use eventstore::append_task::{
    BatchWriter, CommitError, CommitMode, Health, Inbox, Layout, Releases, Verdict,
};
use eventstore::{
    Append, Appended, BoxError, Clock, LogId, ProjectionError, ReadError, Rejection, RowWitness, Witnessed,
    WriterRefusal,
};
use rusqlite::{Connection, ErrorCode};
use tokio::runtime;
use tokio::time::sleep_until;
use tracing::debug;

use crate::append::{Failure, Head, Writing};
use crate::inline::TableSql;
use crate::projection::Step;
use crate::read::failed;
use crate::wal::{self, Leftovers};
use crate::{OpenError, Options, Synchronous, connection, open, verdict};

/// Which generation of writers this is. A store whose floor is higher takes no appends from it.
pub(crate) const WRITER: i64 = 1;

/// About ten microseconds where nobody else wants this core.
const YIELDS: u32 = 20;

const UNOPENED: &str = "the file is not open";

/// The one writer.
#[derive(Debug)]
pub(crate) struct Writer {
    /// `None` after an error that leaves its state in doubt.
    connection: Option<Connection>,
    options: Options,
    log_id: LogId,
    head: Head,
    releases: Arc<Releases>,
    layout: Arc<Layout>,
    /// Those of the layout.
    tables: Vec<TableSql>,
    clock: Clock,
    health: Arc<Health>,
    leftovers: Leftovers,
    rows: Witnessed,
    /// Declared last, so that it is let go last.
    _lock: File,
}

impl Writer {
    pub(crate) fn new(
        connection: Connection,
        options: Options,
        releases: Arc<Releases>,
        clock: Clock,
        health: Arc<Health>,
        rows: Witnessed,
        lock: File,
    ) -> Result<Self, OpenError> {
        let log_id = open::log_id(&connection, &options.path)?;
        let head = Head::read(&connection).map_err(|cause| OpenError::sqlite(&options.path, cause))?;
        let layout = releases.now();
        Ok(Self {
            connection: Some(connection),
            options,
            log_id,
            head,
            releases,
            tables: TableSql::of(layout.tables()),
            layout,
            clock,
            health,
            leftovers: Leftovers::unknown(),
            rows,
            _lock: lock,
        })
    }

    /// Gives the writer its thread. It ends when the queue is closed, or dropped.
    pub(crate) fn start(self, inbox: Inbox<Self>) -> io::Result<JoinHandle<()>> {
        let runtime = runtime::Builder::new_current_thread().enable_time().build()?;
        let run = move || runtime.block_on(eventstore::append_task::run(self, inbox));
        thread::Builder::new().name("eventstore-writer".to_owned()).spawn(run)
    }

    /// Work on the product's tables. An error that puts the file in doubt closes it, as one of our own would.
    pub(crate) fn work<T>(
        &mut self,
        work: impl FnOnce(&Connection) -> Result<T, ReadError>,
    ) -> Result<T, ReadError> {
        let done = work(self.connection().map_err(ReadError::StoreDown)?);
        if matches!(done, Err(ReadError::StoreDown(_) | ReadError::Corrupt(_))) {
            self.connection = None;
        }
        self.leftovers.replaced();
        done
    }

    /// The same, where it may change rows that appends write.
    pub(crate) fn work_on_rows<T>(
        &mut self,
        work: impl FnOnce(&Connection) -> Result<T, ReadError>,
    ) -> Result<T, ReadError> {
        let rows = self.rows.clone();
        let done = self.work(|connection| {
            rows.any_changing();
            work(connection)
        });
        self.any_changed();
        done
    }

    /// One step of a projection: a transaction of its own. It may put another generation in the place of the live one.
    pub(crate) fn step<T>(
        &mut self,
        step: impl FnOnce(&Step<'_>) -> Result<T, ProjectionError>,
    ) -> Result<T, ProjectionError> {
        let rows = self.rows.clone();
        // Said once the file is open: opening it says that all has been done.
        let done = self.take_step(|taken| {
            rows.any_changing();
            step(taken)
        });
        self.any_changed();
        done
    }

    /// Any row may have changed; unless the file is to be opened again, which tells what has become of it.
    fn any_changed(&self) {
        if self.connection.is_some() {
            self.rows.any_changed();
        }
    }

    fn take_step<T>(
        &mut self,
        step: impl FnOnce(&Step<'_>) -> Result<T, ProjectionError>,
    ) -> Result<T, ProjectionError> {
        let (log_id, now) = (self.log_id, self.clock.now().as_microsecond());
        let connection = self.connection().map_err(ReadError::StoreDown)?;
        let (done, cleaned) = Step::take(connection, log_id, now, step);
        if matches!(done, Err(ProjectionError::Store(ReadError::StoreDown(_) | ReadError::Corrupt(_)))) {
            self.connection = None;
        }
        if cleaned {
            self.leftovers.suspected();
        }
        done
    }

    /// A step that a power failure may take back, since it is made again from the log: it does not wait for the disk. The
    /// next append does, and takes the steps before it along. It touches no rows that appends write.
    pub(crate) fn losable_step<T>(
        &mut self,
        step: impl FnOnce(&Step<'_>) -> Result<T, ProjectionError>,
    ) -> Result<T, ProjectionError> {
        let promised = self.options.synchronous;
        if promised != Synchronous::Full {
            return self.take_step(step);
        }
        self.synchronize(Synchronous::Normal)?;
        let done = self.take_step(step);
        self.synchronize(promised)?;
        done
    }

    /// A connection that might keep the weaker setting is given up.
    fn synchronize(&mut self, synchronous: Synchronous) -> Result<(), ReadError> {
        let connection = self.connection().map_err(ReadError::StoreDown)?;
        let set = connection.pragma_update(None, "synchronous", synchronous.setting());
        if set.is_err() {
            self.connection = None;
        }
        set.map_err(failed)
    }

    /// The connection, opened again if an error had closed it.
    pub(crate) fn connection(&mut self) -> Result<&Connection, BoxError> {
        if self.connection.is_none() {
            self.health.reached(false);
            // Whatever is left behind; and if the file cannot be opened now, the writer tries again while it rests.
            self.leftovers.suspected();
            self.rows.any_changing();
            self.connection = Some(self.reopen()?);
            self.rows.any_changed();
            self.health.reached(true);
        }
        self.connection.as_ref().ok_or_else(|| UNOPENED.into())
    }

    /// Opens the file again after an error.
    ///
    /// First the WAL is emptied into the file, which also gives back its space on a full disk. Then a page is written,
    /// durably, over whatever the failed commit may have left behind in the WAL: from then on no recovery can find that
    /// commit. (`user_version` is nobody else's.)
    fn reopen(&mut self) -> Result<Connection, BoxError> {
        let (connection, _) = connection::owner(&self.options)?;
        if open::log_id(&connection, &self.options.path)? != self.log_id {
            return Err("the file is another log now".into());
        }
        if let Err(cause) = wal::empty(&connection) {
            debug!(%cause, "the WAL could not be emptied; the next page tells whether that matters");
        }
        let fences: i32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        connection.pragma_update(None, "user_version", fences.wrapping_add(1))?;
        self.head = Head::read(&connection)?;
        Ok(connection)
    }

    /// Empties the `-wal` if it holds what should be gone.
    fn clear_leftovers(&mut self) {
        if self.leftovers.due().is_none_or(|due| due > Instant::now()) {
            return;
        }
        if let Err(cause) = self.connection().map(drop) {
            self.leftovers.postpone(&cause.to_string());
        } else if let Some(connection) = &self.connection {
            self.leftovers.clear(connection);
        }
    }

    fn commit_batch(&mut self, batch: &[Append], mode: CommitMode) -> Result<Vec<Verdict>, CommitError> {
        self.write_what_is_taken();
        self.connection().map_err(CommitError::NotExecuted)?;
        // Taken out while it is used: only a transaction that ended cleanly puts it back.
        let Some(connection) = self.connection.take() else {
            return Err(CommitError::NotExecuted(UNOPENED.into()));
        };
        let ended = self.transact(&connection, batch, mode);
        if connection.is_autocommit() && !matches!(ended, Err(CommitError::Unknown(_))) {
            self.connection = Some(connection);
        }
        ended
    }

    /// The layout may have been found to be another since the last batch.
    fn write_what_is_taken(&mut self) {
        let now = self.releases.now();
        if !Arc::ptr_eq(&now, &self.layout) {
            self.tables = TableSql::of(now.tables());
            self.layout = now;
        }
    }

    fn transact(
        &mut self,
        connection: &Connection,
        batch: &[Append],
        mode: CommitMode,
    ) -> Result<Vec<Verdict>, CommitError> {
        let recorded_at = self.stamp().map_err(CommitError::Refused)?;
        run(connection, "BEGIN IMMEDIATE").map_err(not_executed)?;
        match self.write(connection, batch, mode, recorded_at) {
            Ok((verdicts, head)) => {
                // From COMMIT on others can read it. Where it is unknown, they read the file until that has been opened again.
                self.rows.changing(&mut batch.iter().map(|append| append.aggregate_id));
                let ended = Self::end(connection);
                if !matches!(ended, Err(CommitError::Unknown(_))) {
                    self.rows.changed(&mut batch.iter().map(|append| append.aggregate_id));
                }
                ended?;
                self.head = head;
                let committed = batch.iter().zip(&verdicts);
                for (append, _) in committed.filter(|(_, verdict)| matches!(verdict, Verdict::Appended(_))) {
                    self.leftovers.after(append);
                }
                Ok(verdicts)
            }
            Err(error) => {
                // If it fails the transaction stays open, which is how our caller finds out.
                drop(run(connection, "ROLLBACK"));
                Err(error)
            }
        }
    }

    /// The time for a batch, in whole microseconds and after that of the batch before it.
    fn stamp(&self) -> Result<i64, WriterRefusal> {
        let now = self.clock.now();
        self.health.believe(now)?;
        Ok(self.head.recorded_at.map_or(i64::MIN, |last| last + 1).max(now.as_microsecond()))
    }

    /// A deferred constraint of the product's own schema is the one thing that COMMIT checks before it writes.
    fn end(connection: &Connection) -> Result<(), CommitError> {
        let Err(cause) = run(connection, "COMMIT") else { return Ok(()) };
        if cause.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) {
            drop(run(connection, "ROLLBACK"));
            return Err(not_executed(cause));
        }
        Err(CommitError::Unknown(Box::new(cause)))
    }

    /// Everything between BEGIN and COMMIT.
    fn write(
        &self,
        connection: &Connection,
        batch: &[Append],
        mode: CommitMode,
        recorded_at: i64,
    ) -> Result<(Vec<Verdict>, Head), CommitError> {
        self.ask_for_admission(connection)?;
        let mut writing =
            Writing::begin(connection, &self.tables, self.head, recorded_at).map_err(not_executed)?;
        let mut verdicts = Vec::with_capacity(batch.len());
        for append in batch {
            let rejection = self.rejection(connection, append, mode).map_err(not_executed)?;
            verdicts.push(match rejection {
                Some(rejection) => Verdict::Rejected(rejection),
                None => Verdict::Appended(writing.append(append).map_err(|failure| match failure {
                    Failure::Mismatch => CommitError::Mismatch,
                    Failure::Constraint(_) if mode == CommitMode::Optimistic => CommitError::Mismatch,
                    Failure::Constraint(cause) | Failure::Sql(cause) => not_executed(cause),
                })?),
            });
        }
        Ok((verdicts, writing.head()))
    }

    /// What is known to speak against an append before it is written.
    fn rejection(
        &self,
        connection: &Connection,
        append: &Append,
        mode: CommitMode,
    ) -> rusqlite::Result<Option<Rejection>> {
        if !self.layout.holds(append) {
            return Ok(Some(Rejection::LayoutMoved));
        }
        match mode {
            CommitMode::Optimistic => Ok(None),
            CommitMode::Judged => verdict::judge(connection, &self.tables, append),
        }
    }

    /// Whether the store still takes appends from a writer like this one. In the transaction: a switch of generations
    /// cannot come between the question and the rows. If it takes others that this one can be, the batch is tried again,
    /// and rows of the layout before are refused.
    fn ask_for_admission(&self, connection: &Connection) -> Result<(), CommitError> {
        match open::layout(connection).map_err(not_executed)? {
            Some(stored) if stored == self.layout.text() => Ok(()),
            Some(stored) if self.releases.adopt(&stored) => {
                Err(CommitError::Transient("the store takes rows of another layout".into()))
            }
            Some(_) | None => Err(CommitError::Refused(WriterRefusal::TooOld)),
        }
    }
}

impl BatchWriter for Writer {
    fn commit(
        &mut self,
        batch: &[Append],
        mode: CommitMode,
    ) -> impl Future<Output = Result<Vec<Verdict>, CommitError>> + Send {
        future::ready(self.commit_batch(batch, mode))
    }

    fn settle(
        &mut self,
        batch: &[Append],
    ) -> impl Future<Output = Result<Vec<Option<Appended>>, BoxError>> + Send {
        future::ready(self.settle_batch(batch))
    }

    fn yield_to_callers(&mut self) -> impl Future<Output = ()> + Send {
        // They run on other threads: what they need is a moment.
        for _ in 0..YIELDS {
            thread::yield_now();
        }
        self.clear_leftovers();
        future::ready(())
    }

    async fn rest(&mut self) -> Infallible {
        while let Some(due) = self.leftovers.due() {
            sleep_until(due.into()).await;
            self.clear_leftovers();
        }
        future::pending().await
    }
}

fn run(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute([]).map(drop)
}

fn not_executed(cause: rusqlite::Error) -> CommitError {
    CommitError::NotExecuted(Box::new(cause))
}
