//! Read your writes: what one instance has acknowledged is read on the other at once, over another connection.
//!
//! Create then get, create then list, deactivate then verify. Users are created in the directory itself with a hash from
//! elsewhere, since hashing ten thousand passwords would be most of the run; everything else goes over the wire.

mod cached_instance;
mod worker;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use clap::ValueEnum;
use eventstore::EventStore;
use tokio::task::JoinSet;
use user_service::Sources;
use user_service::directory::Directory;

use crate::ground::{Ground, Kind};
use crate::instance::Served;
use crate::sabotage::Sabotaged;
use crate::seed::Seed;
use crate::verdict::Findings;
use crate::{instance, oracle, wire};
use cached_instance::CachedInstance;
use worker::{Pairs, Reached, Worker};

/// Pairs of a run, half of them on each store.
const SMALL: u64 = 10_000;

/// Pairs under a control: it is found at once.
const CONTROL: u64 = 1_000;

const WORKERS: u64 = 16;

/// What makes this campaign fail.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Control {
    /// The second instance remembers for half a second what it has read
    CachedInstance,
}

pub(crate) async fn run(size: Option<u64>, control: Option<Control>, seed: Seed) -> anyhow::Result<Findings> {
    let pairs = size.unwrap_or(if control.is_some() { CONTROL } else { SMALL }).div_ceil(2);
    let mut findings = Findings::default();
    for kind in Kind::BOTH {
        findings.take(on(kind, pairs, control, seed).await?);
    }
    Ok(findings)
}

async fn on(kind: Kind, pairs: u64, control: Option<Control>, seed: Seed) -> anyhow::Result<Findings> {
    let ground = Ground::new(kind).await?;
    let directories = directories(&ground, control).await?;
    let mut served = Vec::new();
    for directory in &directories {
        served.push(Served::start(directory.clone()).await?);
    }
    let left = Arc::new(AtomicU64::new(pairs));
    let mut working = JoinSet::new();
    for n in 0..WORKERS {
        let reach = |n: usize| -> anyhow::Result<Reached> {
            Ok(Reached { directory: directories[n].clone(), client: wire::client(served[n].address)? })
        };
        let worker = Worker::new(n, [reach(0)?, reach(1)?], Arc::clone(&left), seed.rng("worker", n)).await?;
        working.spawn(worker.work());
    }
    let mut all = Pairs::default();
    while let Some(pairs) = working.join_next().await {
        all.add(pairs??);
    }
    for served in served {
        served.stop().await?;
    }
    let Pairs { create_get, create_list, change_verify, mut findings } = all;
    let report = oracle::examine(&directories[0], &mut findings).await?;
    println!(
        "{kind}: {create_get} times create and get, {create_list} create and list, {change_verify} change and verify, \
         by {WORKERS} workers between two instances; {} events",
        report.events
    );
    for directory in &directories {
        directory.store().close().await;
    }
    Ok(findings)
}

/// Two directories: on PostgreSQL each with its own store, on SQLite on the one that there can be.
async fn directories(ground: &Ground, control: Option<Control>) -> anyhow::Result<[Directory; 2]> {
    let options = ground.options()?;
    options.migrate().await?;
    let first = options.open().await?;
    let second = match ground.kind {
        Kind::Sqlite => Arc::clone(&first),
        Kind::Postgres => options.open().await?,
    };
    let second: Arc<dyn EventStore> = match control {
        Some(Control::CachedInstance) => Arc::new(Sabotaged { store: second, by: CachedInstance::default() }),
        None => second,
    };
    Ok([
        instance::directory(first, Sources::system()).await?,
        instance::directory(second, Sources::system()).await?,
    ])
}
