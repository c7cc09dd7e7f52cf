//! What befalls the database, and how it passes.

use std::fmt;
use std::time::Duration;

use anyhow::{Context, ensure};
use tokio::time::timeout;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, NoTls};

use crate::ground::Ground;
use crate::proxy::{Manner, Proxy};

/// The server takes no more connections than this.
pub(super) const CONNECTIONS_MAX: usize = 40;

/// What a server says that has no connection left.
const ALL_TAKEN: &str = "53300";

/// Whoever had a connection that was cut is gone after less.
const LEAVING_MAX: Duration = Duration::from_secs(20);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// What is sent to the server and what it answers goes nowhere.
    Silence,
    /// The server is told everything, and what it answers goes nowhere.
    NoAnswers,
    /// Every connection that reads waits for somebody who holds the table.
    TableHeld,
    /// All connections are somebody else's.
    NoConnections,
}

impl Fault {
    pub(super) const ALL: [Self; 4] = [Self::Silence, Self::NoAnswers, Self::TableHeld, Self::NoConnections];
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Silence => "nothing passes between the service and its database",
            Self::NoAnswers => "what the database answers is lost",
            Self::TableHeld => "every connection of the pool waits for a lock",
            Self::NoConnections => "all connections of the database are taken",
        })
    }
}

/// What lasts as long as the fault does.
#[derive(Debug)]
pub(super) enum Lasting {
    Manner,
    /// They go with it.
    Held {
        holders: Vec<Client>,
    },
}

/// How many connections of the service wait for whoever holds the table; nobody is let in besides, where all are taken.
const WAITING: &str = "SELECT count(*) FROM pg_stat_activity \
    WHERE datname = current_database() AND wait_event_type = 'Lock' AND wait_event = 'relation'";

/// Lets it happen to whoever is behind the wire.
pub(super) async fn befall(fault: Fault, ground: &Ground, wire: &Proxy) -> anyhow::Result<Lasting> {
    match fault {
        Fault::Silence => wire.set(Manner::KeepAll),
        Fault::NoAnswers => wire.set(Manner::KeepAnswers),
        Fault::TableHeld => {
            let holder = ground.owner().await?;
            let hold = "BEGIN; LOCK TABLE user_service.claims, user_service.events \
                IN ACCESS EXCLUSIVE MODE";
            holder.batch_execute(hold).await?;
            return Ok(Lasting::Held { holders: vec![holder] });
        }
        Fault::NoConnections => {
            // Meanwhile nobody gets through, so that we are the first who come.
            wire.lead_to(Vec::new());
            wire.cut();
            let holders = timeout(LEAVING_MAX, take_all(&ground.url)).await??;
            wire.lead_to(vec![ground.server()?]);
            return Ok(Lasting::Held { holders });
        }
    }
    Ok(Lasting::Manner)
}

/// In its midst: whether it is as bad as it is meant to be.
pub(super) async fn in_its_midst(fault: Fault, ground: &Ground, lasting: &Lasting) -> anyhow::Result<()> {
    match (fault, lasting) {
        (Fault::TableHeld, Lasting::Held { holders }) => {
            let holder = holders.first().context("somebody holds it")?;
            let waiting: i64 = holder.query_one(WAITING, &[]).await?.try_get(0)?;
            let pool = eventstore_postgres::Options::at("").readers;
            ensure!(usize::try_from(waiting)? >= pool, "the pool is not exhausted: {waiting} of {pool} wait");
        }
        (Fault::NoConnections, _) => {
            let refused = tokio_postgres::connect(&ground.url, NoTls).await.err();
            let said = refused.as_ref().and_then(|error| error.code()).map(SqlState::code);
            ensure!(said == Some(ALL_TAKEN), "there is room for one more connection: {refused:?}");
        }
        (Fault::Silence | Fault::NoAnswers | Fault::TableHeld, _) => {}
    }
    Ok(())
}

/// Lets it pass.
pub(super) fn pass(lasting: Lasting, wire: &Proxy) {
    drop(lasting);
    wire.set(Manner::Through);
}

async fn take_all(url: &str) -> anyhow::Result<Vec<Client>> {
    let mut taken = Vec::new();
    while taken.len() < CONNECTIONS_MAX {
        match tokio_postgres::connect(url, NoTls).await {
            Ok((client, connection)) => {
                tokio::spawn(connection);
                taken.push(client);
            }
            // The server takes a moment to let go of those that were cut; but for its own, there are none left then.
            Err(error)
                if error.code().is_some_and(|code| code.code() == ALL_TAKEN) && left(&taken).await? == 0 =>
            {
                return Ok(taken);
            }
            Err(_) => tokio::task::yield_now().await,
        }
    }
    Ok(taken)
}

/// How many connections of clients are somebody else's.
async fn left(taken: &[Client]) -> anyhow::Result<usize> {
    let Some(client) = taken.first() else { return Ok(CONNECTIONS_MAX) };
    let count = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'";
    let all: i64 = client.query_one(count, &[]).await?.try_get(0)?;
    Ok(usize::try_from(all)?.saturating_sub(taken.len()))
}
