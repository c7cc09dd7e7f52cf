//! What a measurement costs besides time: processors of the service and of its database, and bytes on the disk.

use std::time::Instant;

use serde::{Deserialize, Serialize};
use tokio_postgres::Client;

use crate::postgres::connect;
use crate::process;

/// All that was used while a measurement counted.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Cost {
    /// Processor seconds of what serves; where callers live in its process, theirs too.
    pub(crate) service_seconds: f64,
    /// Processor seconds of the database's processes, all of them.
    pub(crate) database_seconds: f64,
    /// What the database logged ahead, and the service wrote itself.
    pub(crate) written_bytes: u64,
}

/// Reads what has been used so far.
#[derive(Debug)]
pub(crate) struct Gauge {
    service: u32,
    database: Option<Database>,
}

#[derive(Debug)]
struct Database {
    client: Client,
    /// The process whose children serve; `None` if they run on another machine.
    postmaster: Option<u32>,
}

impl Gauge {
    /// Of a service that keeps its own files.
    pub(crate) fn of(service: u32) -> Self {
        Self { service, database: None }
    }

    /// Of a service and the PostgreSQL that it works on.
    pub(crate) async fn with_database(service: u32, url: &str) -> anyhow::Result<Self> {
        let client = connect(url).await?;
        let backend: i32 = client.query_one("SELECT pg_backend_pid()", &[]).await?.try_get(0)?;
        let backend = backend.unsigned_abs();
        let name = std::fs::read_to_string(format!("/proc/{backend}/comm")).unwrap_or_default();
        let here = name.trim().starts_with("postgres");
        let postmaster = here.then(|| process::parent(backend)).transpose()?;
        Ok(Self { service, database: Some(Database { client, postmaster }) })
    }

    /// What is used from one moment to another.
    pub(crate) async fn between(self, from: Instant, to: Instant) -> anyhow::Result<Cost> {
        tokio::time::sleep_until(from.into()).await;
        let before = self.read().await?;
        tokio::time::sleep_until(to.into()).await;
        let after = self.read().await?;
        Ok(Cost {
            service_seconds: after.service_seconds - before.service_seconds,
            database_seconds: after.database_seconds - before.database_seconds,
            written_bytes: after.written_bytes.saturating_sub(before.written_bytes),
        })
    }

    async fn read(&self) -> anyhow::Result<Cost> {
        let mut read = Cost {
            service_seconds: process::processor_seconds(self.service)?,
            database_seconds: 0.0,
            written_bytes: process::written_bytes(self.service)?,
        };
        if let Some(database) = &self.database {
            let ask = "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint";
            let logged: i64 = database.client.query_one(ask, &[]).await?.try_get(0)?;
            read.written_bytes += logged.unsigned_abs();
            if let Some(postmaster) = database.postmaster {
                read.database_seconds = process::family_seconds(postmaster)?;
            }
        }
        Ok(read)
    }
}
