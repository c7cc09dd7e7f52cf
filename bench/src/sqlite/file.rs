//! A file for one measurement: migrated and empty; deleted afterwards with its folder.

use std::path::{Path, PathBuf};

use anyhow::ensure;
use eventstore::Durability;
use eventstore_sqlite::{Options, Synchronous, migrate};
use rusqlite::Connection;
use tempfile::TempDir;
use user_service::store::SQLITE_MIGRATIONS;

use crate::audit::{self, Question};
use crate::load::ratio;
use crate::workload::Rung;

/// A store in a folder of its own.
#[derive(Debug)]
pub(crate) struct File {
    folder: TempDir,
    rung: Rung,
    synchronous: Synchronous,
}

impl File {
    pub(crate) async fn fresh(folder: &Path, rung: Rung, synchronous: Synchronous) -> anyhow::Result<Self> {
        let file = Self { folder: TempDir::new_in(folder)?, rung, synchronous };
        migrate(&file.options()).await?;
        Ok(file)
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("store.db")
    }

    /// What our store is opened with.
    pub(crate) fn options(&self) -> Options {
        let durability = match self.synchronous {
            Synchronous::Full => Durability::Required,
            Synchronous::Normal | Synchronous::Off => Durability::MayBeWeakened,
        };
        Options {
            tables: self.rung.tables(),
            migrations: SQLITE_MIGRATIONS,
            durability,
            synchronous: self.synchronous,
            ..Options::at(self.path())
        }
    }

    /// Asks whether the rows are what a run with so many accepted commands must leave behind. Answers with the number
    /// of events per commit.
    pub(crate) fn audit(
        &self,
        accepted: u64,
        order: &[Question],
        contents: &[Question],
    ) -> anyhow::Result<f64> {
        let connection = Connection::open(self.path())?;
        let count = |ask: &str| connection.query_row(ask, [], |row| row.get::<_, i64>(0));
        let events = count(audit::EVENTS)?;
        ensure!(
            events == i64::try_from(accepted)?,
            "{accepted} commands were accepted, {events} events are there"
        );
        for (what, ask) in order.iter().chain(contents).copied() {
            let wrong = count(ask)?;
            ensure!(wrong == 0, "not true that {what}: {wrong}");
        }
        Ok(ratio(accepted, count(audit::COMMITS)?.max(1).unsigned_abs()))
    }
}
