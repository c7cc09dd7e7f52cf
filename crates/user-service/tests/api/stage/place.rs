//! Where a store is: a folder or a database that is there for one test, and what stands in it past the service.

use std::path::PathBuf;

use rusqlite::types::ValueRef;
use tempfile::TempDir;
use tokio_postgres::SimpleQueryMessage;
use user_service::store::{StoreOptions, StoreUrl};

use super::{Database, fixed_clock};

/// A place for one store.
pub(crate) enum Place {
    Sqlite(TempDir),
    Postgres(Database),
}

impl Place {
    pub(crate) fn sqlite() -> Self {
        Self::Sqlite(tempfile::tempdir().expect("there is room for a folder"))
    }

    pub(crate) async fn postgres() -> Self {
        Self::Postgres(Database::new().await)
    }

    /// The store as the command line names it.
    pub(crate) fn url(&self) -> String {
        match self {
            Self::Sqlite(_) => format!("sqlite:{}", self.file().display()),
            Self::Postgres(database) => database.url.clone(),
        }
    }

    /// The embedded store's file.
    pub(crate) fn file(&self) -> PathBuf {
        match self {
            Self::Sqlite(folder) => folder.path().join("users.db"),
            Self::Postgres(_) => panic!("a database is no file"),
        }
    }

    pub(crate) fn options(&self) -> StoreOptions {
        let url: StoreUrl = self.url().parse().expect("it names a store");
        StoreOptions { clock: Some(fixed_clock()), ..StoreOptions::at(url) }
    }

    /// What a statement finds, each row as text; bytes as `\x…` as PostgreSQL writes them.
    pub(crate) async fn rows(&self, statement: &str) -> Vec<Vec<String>> {
        match self {
            Self::Sqlite(_) => self.sqlite_rows(statement),
            Self::Postgres(database) => {
                let messages = database.owner().await.simple_query(statement).await.unwrap();
                let rows = messages.iter().filter_map(|message| match message {
                    SimpleQueryMessage::Row(row) => Some(row),
                    _ => None,
                });
                rows.map(|row| (0..row.len()).map(|n| row.get(n).unwrap_or("NULL").to_owned()).collect())
                    .collect()
            }
        }
    }

    /// Changes what is stored behind the service's back, as nobody should.
    pub(crate) async fn damage(&self, statements: &str) {
        match self {
            Self::Sqlite(_) => {
                let triggers = "DROP TRIGGER IF EXISTS events_are_never_changed; \
                    DROP TRIGGER IF EXISTS events_are_never_deleted;";
                let shell = self.sqlite_shell();
                shell.execute_batch(triggers).and_then(|()| shell.execute_batch(statements)).unwrap();
            }
            Self::Postgres(database) => {
                let owner = database.owner().await;
                owner.batch_execute("ALTER TABLE events DISABLE TRIGGER ALL").await.unwrap();
                owner.batch_execute(statements).await.unwrap();
            }
        }
    }

    /// A copy of everything, as a backup has it. Nobody may serve the store meanwhile.
    pub(crate) async fn backup(&self) -> Self {
        match self {
            Self::Sqlite(_) => {
                let backup = Self::sqlite();
                std::fs::copy(self.file(), backup.file()).expect("the store was closed in order");
                backup
            }
            Self::Postgres(database) => Self::Postgres(database.copy().await),
        }
    }

    /// Puts a backup in the place of everything. Whoever serves an embedded store has to stop before.
    pub(crate) async fn restore(&self, backup: &Self) {
        match (self, backup) {
            (Self::Postgres(database), Self::Postgres(backup)) => database.become_like(backup).await,
            (Self::Sqlite(_), Self::Sqlite(_)) => {
                for beside in ["db-wal", "db-shm"] {
                    let _ = std::fs::remove_file(self.file().with_extension(beside));
                }
                std::fs::copy(backup.file(), self.file()).expect("there is room");
            }
            (Self::Sqlite(_) | Self::Postgres(_), _) => panic!("a backup is restored where it comes from"),
        }
    }

    /// A connection past the service, as an operator with a shell has it.
    pub(crate) fn sqlite_shell(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.file()).expect("the file is there")
    }

    fn sqlite_rows(&self, statement: &str) -> Vec<Vec<String>> {
        let shell = self.sqlite_shell();
        let mut prepared = shell.prepare(statement).unwrap();
        let columns = prepared.column_count();
        let mut found = prepared.raw_query(); // without values for parameters: they are NULL
        let mut rows = Vec::new();
        while let Some(row) = found.next().unwrap() {
            rows.push((0..columns).map(|n| shown(row.get_ref(n).unwrap())).collect());
        }
        rows
    }
}

fn shown(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Null => "NULL".to_owned(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => number.to_string(),
        ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
        ValueRef::Blob(bytes) => {
            bytes.iter().fold("\\x".to_owned(), |text, byte| format!("{text}{byte:02x}"))
        }
    }
}
