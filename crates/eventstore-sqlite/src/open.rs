//! Whether the file is what we think it is, and what it says when it is not.

use std::io;
use std::path::{Path, PathBuf};

use eventstore::{BoxError, LogId};
use rusqlite::{Connection, ErrorCode, OptionalExtension, params};
use thiserror::Error;
use uuid::Uuid;

use crate::writer::WRITER;

/// `UsrS`: how a file says that it is one of ours.
pub(crate) const APPLICATION_ID: i32 = 0x5573_7253;

/// Why a store does not open. Each says what to do about it.
#[derive(Debug, Error)]
pub enum OpenError {
    /// There is no such file.
    #[error("there is no store at {0}: migrate first, which makes one")]
    Missing(PathBuf),
    /// Another process, or this one, has it open for writing.
    #[error("the store at {0} is in use: stop the process that has it open, or open it for reading")]
    InUse(PathBuf),
    /// It is something else, or broken in its first page.
    #[error("{0} is not a SQLite database, or is corrupt: give another path, or restore a backup")]
    NotADatabase(PathBuf),
    /// It is a database of somebody else.
    #[error("{0} is a SQLite database but not an event log: give another path")]
    NotALog(PathBuf),
    /// It has not been migrated to what this binary needs.
    #[error("the store lacks the migration {0}: migrate first")]
    NotMigrated(String),
    /// A later binary has migrated it.
    #[error("the store has a migration that this binary does not know ({0}): use a newer binary")]
    Newer(String),
    /// A migration has been edited after it was applied.
    #[error("the store was migrated with another text of {0}: use the binary that made it")]
    Edited(String),
    /// A migration failed. Nothing of it has been applied.
    #[error("the migration failed")]
    Migration(#[source] BoxError),
    /// A setting gives up durability.
    #[error("durability is weakened: {0}; repair that, or say that it is meant")]
    Weakened(String),
    /// The SQLite that this was built with can corrupt files.
    #[error("SQLite {0} is too old: 3.51.3 is the oldest that does not corrupt files in WAL mode")]
    TooOldSqlite(&'static str),
    /// The file or its directory cannot be read or written.
    #[error("{path} cannot be used")]
    Unusable {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// SQLite said no.
    #[error("{path} cannot be opened")]
    Sqlite {
        /// Which file.
        path: PathBuf,
        /// What it said.
        #[source]
        cause: rusqlite::Error,
    },
}

impl OpenError {
    pub(crate) fn sqlite(path: &Path, cause: rusqlite::Error) -> Self {
        let path = path.to_owned();
        match cause.sqlite_error_code() {
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => Self::NotADatabase(path),
            _ => Self::Sqlite { path, cause },
        }
    }

    pub(crate) fn unusable(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        |cause| Self::Unusable { path, cause }
    }
}

/// Which log this is.
pub(crate) fn log_id(connection: &Connection, path: &Path) -> Result<LogId, OpenError> {
    let bytes = connection.query_row("SELECT log_id FROM log_meta", [], |row| row.get(0));
    Ok(LogId(Uuid::from_bytes(bytes.map_err(|cause| OpenError::sqlite(path, cause))?)))
}

/// The layout that the log takes rows of; `None` if it takes no appends from a writer like this one. Asked in each
/// batch's transaction.
pub(crate) fn layout(connection: &Connection) -> rusqlite::Result<Option<String>> {
    let mut statement = connection.prepare_cached("SELECT layout FROM log_meta WHERE writer_floor <= ?1")?;
    statement.query_row(params![WRITER], |row| row.get(0)).optional()
}
