//! Which store: the one place that knows that there are two.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use anyhow::bail;
use eventstore::{Clock, Durability, EventStore, InlineTable, Migration};
pub use eventstore_postgres::Notify;
pub use eventstore_sqlite::{BackupLimits, BackupProgress, OpenError as SqliteOpenError, check_pages};
use secrecy::{ExposeSecret, SecretString};
use thiserror::Error;

use crate::read_model::USER_READ_MODEL;
use crate::vault::{API_TOKEN, USER_SECRET};

/// The tables that are written in the transaction of every append.
pub static TABLES: &[&InlineTable] = &[&USER_READ_MODEL, &USER_SECRET, &API_TOKEN];

/// Our schema on SQLite.
pub static SQLITE_MIGRATIONS: &[Migration] = &[
    Migration { number: 1, name: "users", sql: include_str!("../migrations/sqlite/V1__users.sql") },
    Migration {
        number: 2,
        name: "projections",
        sql: include_str!("../migrations/sqlite/V2__projections.sql"),
    },
    Migration { number: 3, name: "moments", sql: include_str!("../migrations/sqlite/V3__moments.sql") },
    Migration {
        number: 5,
        name: "password_attempts",
        sql: include_str!("../migrations/sqlite/V5__password_attempts.sql"),
    },
    Migration { number: 6, name: "api_tokens", sql: include_str!("../migrations/sqlite/V6__api_tokens.sql") },
    Migration { number: 7, name: "search", sql: include_str!("../migrations/sqlite/V7__search.sql") },
    Migration { number: 8, name: "creation", sql: include_str!("../migrations/sqlite/V8__creation.sql") },
];

/// Our schema on PostgreSQL.
pub static POSTGRES_MIGRATIONS: &[Migration] = &[
    Migration { number: 1, name: "users", sql: include_str!("../migrations/postgres/V1__users.sql") },
    Migration {
        number: 2,
        name: "projections",
        sql: include_str!("../migrations/postgres/V2__projections.sql"),
    },
    Migration { number: 3, name: "moments", sql: include_str!("../migrations/postgres/V3__moments.sql") },
    Migration {
        number: 5,
        name: "password_attempts",
        sql: include_str!("../migrations/postgres/V5__password_attempts.sql"),
    },
    Migration {
        number: 6,
        name: "api_tokens",
        sql: include_str!("../migrations/postgres/V6__api_tokens.sql"),
    },
    Migration { number: 7, name: "search", sql: include_str!("../migrations/postgres/V7__search.sql") },
    Migration { number: 8, name: "creation", sql: include_str!("../migrations/postgres/V8__creation.sql") },
];

/// Where the log is: `sqlite:PATH` or `postgres://…`. Never printed whole: it may hold a password.
#[derive(Clone, Debug)]
pub enum StoreUrl {
    /// A file.
    Sqlite(PathBuf),
    /// A database.
    Postgres(SecretString),
}

/// It is neither `sqlite:PATH` nor `postgres://…`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a store is sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/DATABASE")]
pub struct BadStoreUrl;

impl FromStr for StoreUrl {
    type Err = BadStoreUrl;

    fn from_str(text: &str) -> Result<Self, BadStoreUrl> {
        if let Some(path) = text.strip_prefix("sqlite:").filter(|path| !path.is_empty()) {
            return Ok(Self::Sqlite(PathBuf::from(path)));
        }
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Ok(Self::Postgres(SecretString::from(text)));
        }
        Err(BadStoreUrl)
    }
}

/// What a store is opened with.
#[derive(Clone, Debug)]
pub struct StoreOptions {
    /// Where it is.
    pub url: StoreUrl,
    /// The same database as its owner, for migrations (PostgreSQL).
    pub migration_url: Option<SecretString>,
    /// The schema (PostgreSQL).
    pub schema: String,
    /// What happens when a setting gives up durability.
    pub durability: Durability,
    /// Where the log's time comes from; the database's or the system's if `None`.
    pub clock: Option<Clock>,
    /// Whether this process writes.
    pub access: Access,
    /// How instances learn of each other's changes (PostgreSQL).
    pub notify: Notify,
}

/// What a process does with the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// It writes and reads.
    Owner,
    /// It reads, beside whoever writes.
    Reader,
}

impl StoreOptions {
    /// A durable store, ours, with its own clock.
    #[must_use]
    pub fn at(url: StoreUrl) -> Self {
        Self {
            url,
            migration_url: None,
            schema: "user_service".to_owned(),
            durability: Durability::Required,
            clock: None,
            access: Access::Owner,
            notify: Notify::On,
        }
    }

    /// Brings the store to the schema that this binary needs; makes it if there is none.
    pub async fn migrate(&self) -> anyhow::Result<()> {
        match &self.url {
            StoreUrl::Sqlite(path) => eventstore_sqlite::migrate(&self.sqlite(path)).await?,
            StoreUrl::Postgres(url) => eventstore_postgres::migrate(&self.postgres(url)).await?,
        }
        Ok(())
    }

    /// Opens the store, which has the schema that this binary needs.
    pub async fn open(&self) -> anyhow::Result<Arc<dyn EventStore>> {
        Ok(match &self.url {
            StoreUrl::Sqlite(path) => Arc::new(eventstore_sqlite::Store::open(self.sqlite(path)).await?),
            StoreUrl::Postgres(url) => Arc::new(eventstore_postgres::Store::open(self.postgres(url)).await?),
        })
    }

    /// Copies an embedded store to a file, while it is in use or not.
    pub fn back_up(
        &self,
        copy: &Path,
        limits: BackupLimits,
        progress: impl FnMut(BackupProgress),
    ) -> anyhow::Result<()> {
        match &self.url {
            StoreUrl::Sqlite(path) => Ok(eventstore_sqlite::back_up(path, copy, limits, progress)?),
            StoreUrl::Postgres(_) => bail!(
                "PostgreSQL has tools of its own for backups: pg_basebackup and pg_dump. docs/operations.md says how"
            ),
        }
    }

    fn sqlite(&self, path: &Path) -> eventstore_sqlite::Options {
        eventstore_sqlite::Options {
            tables: TABLES,
            migrations: SQLITE_MIGRATIONS,
            clock: self.clock.clone(),
            durability: self.durability,
            access: match self.access {
                Access::Owner => eventstore_sqlite::Access::Owner,
                Access::Reader => eventstore_sqlite::Access::Reader,
            },
            ..eventstore_sqlite::Options::at(path)
        }
    }

    fn postgres(&self, url: &SecretString) -> eventstore_postgres::Options {
        eventstore_postgres::Options {
            migration_url: self.migration_url.as_ref().map(|url| url.expose_secret().to_owned()),
            schema: self.schema.clone(),
            tables: TABLES,
            migrations: POSTGRES_MIGRATIONS,
            clock: self.clock.clone(),
            durability: self.durability,
            access: match self.access {
                Access::Owner => eventstore_postgres::Access::Owner,
                Access::Reader => eventstore_postgres::Access::Reader,
            },
            notify: self.notify,
            ..eventstore_postgres::Options::at(url.expose_secret())
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use user_domain::outside::text;

    use super::*;

    #[test]
    fn a_store_is_named_by_its_kind() {
        assert!(
            matches!("sqlite:data/x.db".parse(), Ok(StoreUrl::Sqlite(path)) if path == Path::new("data/x.db"))
        );
        assert!(matches!("postgres://u@h/d".parse(), Ok(StoreUrl::Postgres(_))));
        for wrong in ["", "sqlite:", "data/x.db", "mysql://h/d"] {
            assert_eq!(wrong.parse::<StoreUrl>().err(), Some(BadStoreUrl), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn outside_bytes_are_a_store_url_or_none(input in text(&["sqlite:data/x.db", "postgres://u:p@[::1]:5432/d?sslmode=disable"])) {
            if let Ok(StoreUrl::Sqlite(path)) = input.parse() {
                prop_assert_eq!(format!("sqlite:{}", path.display()), input);
            }
        }
    }

    #[test]
    fn a_store_url_cannot_be_printed() {
        let url: StoreUrl = "postgres://u:secret@h/d".parse().expect("it is one");
        assert!(!format!("{url:?}").contains("secret"));
    }
}
