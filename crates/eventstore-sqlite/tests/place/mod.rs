//! A folder with a store in it, for the tests of this crate.

use std::path::PathBuf;
use std::time::Duration;

use eventstore_sqlite::Options;
use rusqlite::Connection;
use tempfile::TempDir;

/// A folder of its own; gone when it is dropped.
#[derive(Debug)]
pub(crate) struct Place(TempDir);

impl Place {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder can be made"))
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.0.path().join("log.db")
    }

    pub(crate) fn options(&self) -> Options {
        Options::at(self.path())
    }

    /// A connection past the store, as an operator with a shell has it.
    pub(crate) fn shell(&self) -> Connection {
        let shell = Connection::open(self.path()).expect("the file is there");
        shell.busy_timeout(Duration::from_secs(10)).expect("it is only a setting");
        shell
    }
}
