//! A copy is of one moment whatever is written meanwhile, and is given up before the `-wal` file fills the disk.

#![expect(clippy::unwrap_used, reason = "a test that meets what nobody expected ends loudly")]

use std::path::{Path, PathBuf};

use eventstore_sqlite::{BackupError, BackupLimits, Options, back_up, migrate};
use rusqlite::Connection;
use tempfile::TempDir;

/// More than one step of a copy.
const PAGES: i64 = 3_000;

/// A store with as many pages, and somebody who writes to it.
async fn store() -> (TempDir, PathBuf, Connection) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.db");
    migrate(&Options::at(&path)).await.unwrap();
    let writer = Connection::open(&path).unwrap();
    writer.execute_batch("CREATE TABLE written (page BLOB)").unwrap();
    writer.execute("INSERT INTO written VALUES (zeroblob(?1))", [PAGES * 4_096]).unwrap();
    writer.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    (folder, path, writer)
}

fn written(file: &Path) -> i64 {
    Connection::open(file).unwrap().query_row("SELECT count(*) FROM written", [], |row| row.get(0)).unwrap()
}

#[tokio::test]
async fn a_copy_is_of_the_moment_at_which_it_began() {
    let (folder, path, writer) = store().await;
    let copy = folder.path().join("copy.db");
    let limits = BackupLimits { wal_growth_bytes_max: u64::MAX };
    let mut steps = 0;
    back_up(&path, &copy, limits, |reached| {
        steps += 1;
        assert!(reached.pages < reached.pages_total);
        writer.execute("INSERT INTO written VALUES (zeroblob(4096))", []).unwrap();
    })
    .unwrap();
    assert!(steps > 1, "the writer was not kept waiting for all of it");
    assert_eq!((written(&path), written(&copy)), (1 + steps, 1));
}

#[tokio::test]
async fn a_copy_that_writers_outgrow_is_given_up() {
    let (folder, path, writer) = store().await;
    let copy = folder.path().join("copy.db");
    let limits = BackupLimits { wal_growth_bytes_max: 64 * 1024 };
    let given_up = back_up(&path, &copy, limits, |_| {
        writer.execute("INSERT INTO written VALUES (zeroblob(131072))", []).unwrap();
    });
    assert!(matches!(given_up, Err(BackupError::Outgrown(grown)) if grown > 64 * 1024), "{given_up:?}");
    let left: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|file| file.unwrap().file_name())
        .filter(|name| name.to_string_lossy().starts_with("copy"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}
