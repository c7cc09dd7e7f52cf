//! A database for one measurement: migrated, empty, checkpointed; dropped afterwards.

use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, ensure};
use eventstore_postgres::{Options, migrate};
use tokio_postgres::{Client, Config};
use user_service::store::POSTGRES_MIGRATIONS;

use super::server::Server;
use super::session::{connect, enter};
use crate::audit::{self, Question};
use crate::cost::Gauge;
use crate::load::ratio;
use crate::process;
use crate::workload::Rung;

/// A database of one measurement.
#[derive(Debug)]
pub(crate) struct Database {
    server: String,
    name: String,
    pub(crate) url: String,
    rung: Rung,
}

impl Database {
    pub(crate) async fn fresh(server: &Server, rung: Rung) -> anyhow::Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("bench_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let client = connect(&server.url).await?;
        client.batch_execute(&format!("CREATE DATABASE {name}")).await?;
        let database = server.url.parse::<Config>()?.get_dbname().unwrap_or("postgres").to_owned();
        let base = server.url.strip_suffix(&database).context("the server's URL ends with its database")?;
        let database = Self { server: server.url.clone(), url: format!("{base}{name}"), name, rung };
        migrate(&database.options()).await?;
        client.batch_execute("CHECKPOINT").await?;
        Ok(database)
    }

    /// What our store is opened with.
    pub(crate) fn options(&self) -> Options {
        options(&self.url, self.rung)
    }

    /// A connection as the owner.
    pub(super) async fn owner(&self) -> anyhow::Result<Client> {
        enter(&self.url).await
    }

    /// What a contender in this process costs.
    pub(super) async fn gauge(&self) -> anyhow::Result<Gauge> {
        Gauge::with_database(process::own(), &self.url).await
    }

    /// Asks whether the rows are what a run with so many accepted commands must leave behind. Answers with the number
    /// of events per commit.
    pub(crate) async fn audit(
        &self,
        accepted: u64,
        order: &[Question],
        contents: &[Question],
    ) -> anyhow::Result<f64> {
        let owner = self.owner().await?;
        owner.batch_execute("RESET ALL; SET search_path = user_service, user_service_vault").await?;
        let events = count(&owner, audit::EVENTS).await?;
        ensure!(
            events == i64::try_from(accepted)?,
            "{accepted} commands were accepted, {events} events are there"
        );
        for (what, ask) in order.iter().chain(contents).copied() {
            let wrong = count(&owner, ask).await?;
            ensure!(wrong == 0, "not true that {what}: {wrong}");
        }
        Ok(ratio(accepted, count(&owner, audit::COMMITS).await?.max(1).unsigned_abs()))
    }

    pub(crate) async fn drop(self) -> anyhow::Result<()> {
        let client = connect(&self.server).await?;
        Ok(client.batch_execute(&format!("DROP DATABASE {} WITH (FORCE)", self.name)).await?)
    }
}

/// What our store is opened with on a rung.
pub(super) fn options(url: &str, rung: Rung) -> Options {
    Options { tables: rung.tables(), migrations: POSTGRES_MIGRATIONS, ..Options::at(url) }
}

pub(super) async fn count(client: &Client, ask: &str) -> anyhow::Result<i64> {
    Ok(client.query_one(ask, &[]).await?.try_get(0)?)
}
