//! How the file is locked, made and connected to, and what a connection is told before it is used.
//!
//! Settings are read back after they are set: a file system without shared memory, for one, cannot do WAL.

use std::ffi::OsString;
use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use eventstore::Durability;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use crate::open::APPLICATION_ID;
use crate::{OpenError, Options};

/// Earlier versions can corrupt a file in WAL mode when two connections write and checkpoint at once.
const SQLITE_MIN: i32 = 3_051_003;

/// Somebody with a shell may hold the write lock for a moment; a service must not fail for that.
pub(crate) const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// All statements of the log and of a dozen tables.
const STATEMENTS_MAX: usize = 128;

/// What the owner's connection runs with, besides `synchronous`. A command touches half a dozen pages at random: sixteen
/// thousand between checkpoints (64 MB) write each of them less often than the default of one thousand. What is deleted is overwritten, but for copies
/// that SQLite leaves in the free space of pages that it joins: of two thousand neighbours that were deleted we found
/// one in a hundred until VACUUM.
const OWNER_SETTINGS: &str = "
    PRAGMA secure_delete = ON;
    PRAGMA foreign_keys = ON;
    PRAGMA recursive_triggers = ON;
    PRAGMA fullfsync = ON;
    PRAGMA checkpoint_fullfsync = ON;
    PRAGMA mmap_size = 0;
    PRAGMA cache_size = -65536;
    PRAGMA wal_autocheckpoint = 16000;
    PRAGMA journal_size_limit = 67108864;";

/// A reader needs the upper pages of a few trees, not the whole file: the system caches that.
const READER_SETTINGS: &str = "
    PRAGMA query_only = ON;
    PRAGMA mmap_size = 0;
    PRAGMA cache_size = -4096;";

/// The lock that keeps other processes from owning the file: held as long as it lives, let go by the system after a
/// crash. A file of its own, because SQLite's locks on the database are per process and dropped by any `close`.
pub(crate) fn lock(path: &Path) -> Result<File, OpenError> {
    let beside = beside(path, ".lock");
    let file = private().write(true).create(true).truncate(false).open(&beside);
    let file = file.map_err(OpenError::unusable(&beside))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse(path.to_owned())),
        Err(TryLockError::Error(cause)) => Err(OpenError::unusable(&beside)(cause)),
    }
}

/// Makes the file, readable by its owner alone, and durable as a name in its directory. SQLite gives the files that it
/// puts beside it the same mode.
pub(crate) fn create(path: &Path) -> Result<(), OpenError> {
    if path.exists() { Ok(()) } else { create_new(path) }
}

/// The same for a file that must not be there.
pub(crate) fn create_new(path: &Path) -> Result<(), OpenError> {
    private().write(true).create_new(true).open(path).map_err(OpenError::unusable(path))?;
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if cfg!(unix) {
        let synced = File::open(directory).and_then(|directory| directory.sync_all());
        synced.map_err(OpenError::unusable(directory))?;
    }
    Ok(())
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// A file that belongs to it.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

/// How many bytes have been written ahead.
pub(crate) fn wal_size(path: &Path) -> Option<u64> {
    std::fs::metadata(beside(path, "-wal")).ok().map(|wal| wal.len())
}

/// The connection that writes, and what is weaker about it than promised.
pub(crate) fn owner(options: &Options) -> Result<(Connection, Vec<String>), OpenError> {
    let connection = connect(&options.path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let fail = |cause| OpenError::sqlite(&options.path, cause);
    let synchronous = options.synchronous.setting();
    connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(())).map_err(fail)?;
    connection
        .execute_batch(&format!("PRAGMA synchronous = {synchronous}; {OWNER_SETTINGS}"))
        .map_err(fail)?;
    let weakened = weakened(&connection).map_err(fail)?;
    match (weakened.first(), options.durability) {
        (Some(first), Durability::Required) => Err(OpenError::Weakened(first.clone())),
        (Some(_), Durability::MayBeWeakened) | (None, _) => Ok((connection, weakened)),
    }
}

/// A connection that reads.
pub(crate) fn reader(path: &Path) -> Result<Connection, OpenError> {
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    connection.execute_batch(READER_SETTINGS).map_err(|cause| OpenError::sqlite(path, cause))?;
    Ok(connection)
}

/// A connection to a file that is ours, or empty and about to be. Anything else is left as it is.
fn connect(path: &Path, access: OpenFlags) -> Result<Connection, OpenError> {
    if rusqlite::version_number() < SQLITE_MIN {
        return Err(OpenError::TooOldSqlite(rusqlite::version()));
    }
    if !path.exists() {
        return Err(OpenError::Missing(path.to_owned()));
    }
    let fail = |cause| OpenError::sqlite(path, cause);
    // Each connection is used by one thread at a time, so SQLite needs no mutex of its own.
    let connection =
        Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX).map_err(fail)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(fail)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    // Otherwise a join is planned anew whenever other parameters are bound to it, which takes longer than to run it.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map_err(fail)?;
    let id: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0)).map_err(fail)?;
    let filled: bool = connection
        .query_row("SELECT EXISTS (SELECT 1 FROM sqlite_schema)", [], |row| row.get(0))
        .map_err(fail)?;
    match (id, filled) {
        (APPLICATION_ID, _) | (0, false) => Ok(connection),
        (_, _) => Err(OpenError::NotALog(path.to_owned())),
    }
}

/// Reads back what durability rests on.
fn weakened(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut found = Vec::new();
    let journal: String = connection.pragma_query_value(None, "journal_mode", |row| row.get(0))?;
    if journal != "wal" {
        found.push(format!("journal_mode is {journal}, not wal"));
    }
    for (setting, least) in [("synchronous", 2), ("secure_delete", 1), ("foreign_keys", 1)] {
        let value: i64 = connection.pragma_query_value(None, setting, |row| row.get(0))?;
        if value < least {
            found.push(format!("{setting} is {value}, less than {least}"));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use rusqlite::StatementStatus;

    use super::*;

    const TABLES: &str = "CREATE TABLE a (id BLOB PRIMARY KEY, n INTEGER) STRICT, WITHOUT ROWID;
        CREATE TABLE b (id BLOB PRIMARY KEY, m INTEGER) STRICT, WITHOUT ROWID";
    const JOIN: &str = "SELECT n, m FROM a JOIN b ON b.id = a.id WHERE a.id = $1";

    #[tokio::test]
    async fn a_join_is_planned_once_whatever_is_bound_to_it() {
        let folder = tempfile::tempdir().unwrap();
        let options = Options::at(folder.path().join("log.db"));
        crate::migrate(&options).await.unwrap();
        let (connection, _) = owner(&options).unwrap();
        connection.execute_batch(TABLES).unwrap();
        let reader = reader(&options.path).unwrap();
        for id in 0..3_u8 {
            let mut join = reader.prepare_cached(JOIN).unwrap();
            assert_eq!(join.get_status(StatementStatus::RePrepare), 0, "run {id}");
            assert!(!join.exists([[id]]).unwrap());
        }
    }
}
