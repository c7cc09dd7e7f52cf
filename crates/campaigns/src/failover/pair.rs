//! A primary and its standby. The standby hears of what happens over a wire that the campaign holds in its hand.

use std::time::{Duration, Instant};

use anyhow::ensure;
use tempfile::TempDir;
use tokio::time::sleep;
use tokio_postgres::{Client, NoTls};

use crate::cluster::{Cluster, free_port};
use crate::proxy::{Manner, Proxy};
use crate::shim::open_folder;

/// The standby has come up to the primary after less.
const ATTACHED_MAX: Duration = Duration::from_mins(1);

const PAUSE: Duration = Duration::from_millis(20);

/// A standby that is made anew finds there what has been written meanwhile.
const KEPT: &str = "wal_keep_size=256MB";

/// Whether whoever commits waits for the standby.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Replication {
    Synchronous,
    Asynchronous,
}

#[derive(Debug)]
pub(super) struct Pair {
    primary: Cluster,
    standby: Cluster,
    /// From the standby to whoever is the primary.
    wire: Proxy,
    replication: Replication,
    _folder: TempDir,
}

impl Pair {
    /// Gives a server that is at rest a standby.
    pub(super) async fn of(primary: Cluster, replication: Replication) -> anyhow::Result<Self> {
        let (folder, port) = (open_folder()?, free_port()?);
        let wire = Proxy::before(primary.address()).await?;
        let follows = format!(
            "primary_conninfo=host={} port={} user=postgres application_name=standby",
            wire.address.ip(),
            wire.address.port()
        );
        primary.give(folder.path())?;
        let mut primary = primary.told(&[KEPT, &follows]);
        let mut standby = primary.copied_to(folder.path()).await?.at_port(port)?;
        standby.become_standby()?;
        primary.start().await?;
        standby.start().await?;
        let pair = Self { primary, standby, wire, replication, _folder: folder };
        pair.attach().await?;
        Ok(pair)
    }

    pub(super) fn primary_url(&self) -> &str {
        &self.primary.url
    }

    /// A database, wherever the primary is: the first of both that can be written to.
    pub(super) fn url_of_both(&self, url: &str) -> anyhow::Result<String> {
        let (primary, standby) = (self.primary.address(), self.standby.address());
        ensure!(url.contains(&primary), "the database is on the primary");
        let both = url.replacen(&primary, &format!("{primary},{standby}"), 1);
        Ok(both + "?target_session_attrs=read-write")
    }

    /// A connection to the primary.
    pub(super) async fn admin(&self) -> anyhow::Result<Client> {
        let (client, connection) = tokio_postgres::connect(&self.primary.url, NoTls).await?;
        tokio::spawn(connection);
        Ok(client)
    }

    /// From now on the standby hears nothing. What it is told meanwhile is lost when the primary dies.
    pub(super) fn deafen_standby(&self) {
        self.wire.set(Manner::KeepAnswers);
    }

    /// The primary dies, and its standby takes its place.
    pub(super) async fn fail_over(&mut self) -> anyhow::Result<()> {
        self.primary.kill().await?;
        // What did not arrive never will.
        self.wire.lead_to(Vec::new());
        self.wire.cut();
        self.standby.promote().await?;
        std::mem::swap(&mut self.primary, &mut self.standby);
        self.wire.lead_to(vec![self.primary.address()]);
        Ok(())
    }

    /// Whoever was the primary becomes the standby of whoever is, from a copy.
    pub(super) async fn renew_standby(&mut self) -> anyhow::Result<()> {
        self.standby.become_copy_of(&self.primary, &self.admin().await?).await?;
        self.standby.become_standby()?;
        self.standby.start().await?;
        self.attach().await
    }

    pub(super) async fn stop(self) -> anyhow::Result<()> {
        // One of the two may be dead.
        let (standby, primary) = (self.standby.stop_if_alive().await, self.primary.stop_if_alive().await);
        standby.and(primary)
    }

    /// Returns when the standby has come up to the primary, and is waited for if it is to be.
    async fn attach(&self) -> anyhow::Result<()> {
        let admin = self.admin().await?;
        if self.replication == Replication::Synchronous {
            admin.batch_execute("ALTER SYSTEM SET synchronous_standby_names = '*'").await?;
            admin.batch_execute("SELECT pg_reload_conf()").await?;
        }
        let wanted = match self.replication {
            Replication::Synchronous => "sync",
            Replication::Asynchronous => "async",
        };
        let ask = "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming' AND sync_state = $1";
        let began = Instant::now();
        while admin.query_one(ask, &[&wanted]).await?.try_get::<_, i64>(0)? == 0 {
            ensure!(began.elapsed() < ATTACHED_MAX, "the standby does not follow the primary");
            sleep(PAUSE).await;
        }
        Ok(())
    }
}
