//! What was deleted or replaced is still to be read in the `-wal` file, where `secure_delete` does not reach, until the
//! file has been brought up to date and the `-wal` is cut off. Left to itself SQLite does that after 4,000 pages.

use std::time::{Duration, Instant};

use eventstore::{Append, ColumnClass, Derived, RowChange, RowWrite};
use rusqlite::Connection;
use tracing::{debug, warn};

use crate::connection::BUSY_TIMEOUT;

/// How long a secret that was replaced may be found there. It is worth less than one that was deleted, and there are
/// many more of them: emptying the `-wal` costs some syncs, so they share it.
const REPLACED_LINGERS: Duration = Duration::from_mins(1);

/// How long the writer waits for readers. Ours are done sooner, all but a few.
const READER_PATIENCE: Duration = Duration::from_millis(20);

/// Between two attempts while a reader is in the way.
const PAUSE: Duration = Duration::from_millis(250);

/// Whether the `-wal` holds what nobody should find any more.
#[derive(Debug)]
pub(crate) struct Leftovers {
    /// When they should be gone; `None` if there are none.
    due: Option<Instant>,
    blocked: bool,
}

impl Leftovers {
    /// A process that ended without closing the file may have left anything.
    pub(crate) fn unknown() -> Self {
        Self { due: Some(Instant::now()), blocked: false }
    }

    /// So may a commit that failed.
    pub(crate) fn suspected(&mut self) {
        self.be_due(Instant::now());
    }

    /// When to clear them, if there are any.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// What an append leaves behind that has just been committed.
    pub(crate) fn after(&mut self, append: &Append) {
        if append.derived == Derived::Erased {
            self.suspected();
        }
        for RowWrite { table, change } in &append.rows {
            match change {
                RowChange::Insert(_) => {}
                RowChange::Update(_) => {
                    if table.updated_columns().any(|column| column.class == ColumnClass::Sealed) {
                        self.replaced();
                    }
                }
                RowChange::Delete => self.suspected(),
            }
        }
    }

    /// A secret may have been replaced.
    pub(crate) fn replaced(&mut self) {
        self.be_due(Instant::now() + REPLACED_LINGERS);
    }

    /// Empties the `-wal`. A reader who still reads from it is given a moment, and then another chance.
    pub(crate) fn clear(&mut self, connection: &Connection) {
        match empty(connection) {
            Ok(true) => *self = Self { due: None, blocked: false },
            Ok(false) => self.postpone("somebody reads from it"),
            Err(cause) => self.postpone(&cause.to_string()),
        }
    }

    /// It could not be done now.
    pub(crate) fn postpone(&mut self, cause: &str) {
        if self.blocked {
            debug!(cause, "what was deleted still stands in the -wal file");
        } else {
            warn!(cause, "what was deleted stands in the -wal file until it can be emptied");
        }
        *self = Self { due: Some(Instant::now() + PAUSE), blocked: true };
    }

    fn be_due(&mut self, at: Instant) {
        self.due = Some(self.due.map_or(at, |due| due.min(at)));
    }
}

/// Whether the `-wal` is empty now.
pub(crate) fn empty(connection: &Connection) -> rusqlite::Result<bool> {
    connection.busy_timeout(READER_PATIENCE)?;
    let busy = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0));
    connection.busy_timeout(BUSY_TIMEOUT)?;
    busy.map(|busy: bool| !busy)
}
