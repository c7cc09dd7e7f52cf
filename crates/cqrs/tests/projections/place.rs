//! Where a log stands: a folder or a database that is there for one test, and the ways into it past the store.

use std::sync::Arc;

use eventstore::{EventStore, InlineTable};
use tempfile::TempDir;

use crate::database::Database;
use crate::scene::PATIENCE;
use crate::schema::{POSTGRES, SQLITE};

/// Makes a test of each case for each store.
macro_rules! on_both_stores {
    ($($case:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                Box::pin(super::$case(crate::place::Engine::Sqlite)).await;
            })*
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                Box::pin(super::$case(crate::place::Engine::Postgres)).await;
            })*
        }
    };
}
pub(crate) use on_both_stores;

/// What keeps the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Engine {
    Sqlite,
    Postgres,
}

/// A place for one log.
pub(crate) enum Place {
    Sqlite(TempDir),
    Postgres(Database),
}

impl Engine {
    /// An id as it is written in a statement.
    pub(crate) fn id(self, hex: &str) -> String {
        match self {
            Self::Sqlite => format!("x'{hex}'"),
            Self::Postgres => format!("'{hex}'::uuid"),
        }
    }

    /// A moment that is long past.
    pub(crate) fn long_ago(self) -> &'static str {
        match self {
            Self::Sqlite => "0",
            Self::Postgres => "'epoch'",
        }
    }
}

impl Place {
    pub(crate) async fn new(engine: Engine) -> Self {
        match engine {
            Engine::Sqlite => Self::Sqlite(tempfile::tempdir().unwrap()),
            Engine::Postgres => Self::Postgres(Database::new().await),
        }
    }

    pub(crate) async fn open(
        &self,
        tables: &'static [&'static InlineTable],
        earlier: &'static [&'static InlineTable],
    ) -> Arc<dyn EventStore> {
        match self {
            Self::Sqlite(folder) => {
                use eventstore_sqlite::{Options, Store, migrate};
                let path = folder.path().join("log.db");
                let options = Options { tables, earlier, migrations: SQLITE, ..Options::at(path) };
                migrate(&options).await.unwrap();
                Arc::new(Store::open(options).await.unwrap())
            }
            Self::Postgres(database) => {
                use eventstore_postgres::{Options, Store, migrate};
                let options = Options { tables, earlier, migrations: POSTGRES, ..Options::at(&database.url) };
                migrate(&options).await.unwrap();
                Arc::new(Store::open(options).await.unwrap())
            }
        }
    }

    /// What an operator does in a shell.
    pub(crate) async fn shell(&self, statements: &str) {
        match self {
            Self::Sqlite(folder) => {
                let shell = rusqlite::Connection::open(folder.path().join("log.db")).unwrap();
                shell.busy_timeout(PATIENCE).unwrap();
                shell.execute_batch(statements).unwrap();
            }
            Self::Postgres(database) => database.owner().await.batch_execute(statements).await.unwrap(),
        }
    }
}
