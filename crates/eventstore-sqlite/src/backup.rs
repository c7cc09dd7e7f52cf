//! A copy of the store as it is at one moment, while its owner goes on writing.
//!
//! The pages are read in one read transaction, step by step, by whoever wants the copy: the writer is not asked, and never
//! waits. Steps with transactions of their own would begin again after every commit, and be done when nobody writes. What a
//! long read costs is the `-wal` file, which cannot be taken up again meanwhile: so it is watched, and the copy given up when
//! it has grown too long.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};
use thiserror::Error;

use crate::{OpenError, connection};

/// A few milliseconds' work.
const STEP_PAGES: i32 = 1_024;

/// What a copy may cost.
#[derive(Clone, Copy, Debug)]
pub struct BackupLimits {
    /// By how many bytes the `-wal` file may grow meanwhile. Writers fill half a kilobyte with each event.
    pub wal_growth_bytes_max: u64,
}

/// How far a copy has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BackupProgress {
    /// Pages that have been copied.
    pub pages: u64,
    /// All pages.
    pub pages_total: u64,
}

/// Why there is no copy. Nothing of it is left.
#[derive(Debug, Error)]
pub enum BackupError {
    /// The store cannot be read.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Writers were faster.
    #[error(
        "the -wal file has grown by {0} bytes while the store was copied: try again when less is written, or allow for \
         more"
    )]
    Outgrown(u64),
    /// The store is damaged: what was read is not sound.
    #[error("the copy is not sound, so the store itself is damaged: {0}")]
    Damaged(String),
    /// The copy cannot be written.
    #[error("{path} cannot be written")]
    Unwritable {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// SQLite said no.
    #[error("the store cannot be copied")]
    Sqlite(#[from] rusqlite::Error),
}

/// Copies a store to a file that is not there yet, for its owner alone, and looks whether the copy is sound. It is one file
/// and on the disk when this comes back; after an error there is none.
pub fn back_up(
    store: &Path,
    copy: &Path,
    limits: BackupLimits,
    progress: impl FnMut(BackupProgress),
) -> Result<(), BackupError> {
    connection::create_new(copy)?;
    let copied = copy_pages(store, copy, limits, progress).and_then(|()| finish(copy));
    if copied.is_err() {
        // What keeps it from going is worth less than why there is no copy.
        for part in ["", "-wal", "-shm", "-journal"] {
            let _ = fs::remove_file(connection::beside(copy, part));
        }
    }
    copied
}

/// Whether every page of a file is what its tables and indexes say. For a copy that nobody is using.
pub fn check_pages(copy: &Path) -> Result<(), BackupError> {
    sound(&connection::reader(copy)?)
}

fn copy_pages(
    store: &Path,
    copy: &Path,
    limits: BackupLimits,
    mut progress: impl FnMut(BackupProgress),
) -> Result<(), BackupError> {
    let source = connection::reader(store)?;
    let mut target = Connection::open_with_flags(copy, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    // Whatever goes wrong, the copy is thrown away: it needs no journal, and is synced when it is whole.
    target.execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;")?;
    let before = connection::wal_size(store).unwrap_or_default();
    // It begins with the first page that is read, and is the moment that the copy is of.
    source.execute_batch("BEGIN; SELECT 1 FROM sqlite_schema LIMIT 1;")?;
    let backup = Backup::new(&source, &mut target)?;
    while backup.step(STEP_PAGES)? != StepResult::Done {
        let pages = backup.progress();
        let (total, left) = (u64::from(pages.pagecount.unsigned_abs()), pages.remaining.unsigned_abs());
        progress(BackupProgress { pages: total.saturating_sub(left.into()), pages_total: total });
        let grown = connection::wal_size(store).unwrap_or_default().saturating_sub(before);
        if grown > limits.wal_growth_bytes_max {
            return Err(BackupError::Outgrown(grown));
        }
    }
    Ok(())
}

/// Makes one file of it that can be carried anywhere, and looks at every page.
fn finish(copy: &Path) -> Result<(), BackupError> {
    let connection = Connection::open_with_flags(copy, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.query_row("PRAGMA journal_mode = DELETE", [], |_| Ok(()))?;
    sound(&connection)?;
    drop(connection);
    let synced = File::open(copy).and_then(|file| file.sync_all());
    synced.map_err(|cause| BackupError::Unwritable { path: copy.to_owned(), cause })
}

fn sound(connection: &Connection) -> Result<(), BackupError> {
    let said: String = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if said == "ok" { Ok(()) } else { Err(BackupError::Damaged(said)) }
}
