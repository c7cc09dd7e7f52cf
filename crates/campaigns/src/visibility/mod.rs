//! Visibility: writers with random pauses on every instance of one log, and readers that tail it by position.
//!
//! Shows I1, I4 and I5: each acknowledged event stands where its writer was told, and no reader misses an event, sees
//! one twice or out of order. It works on the log alone: nobody hashes passwords here.

mod bigserial;
mod reader;
mod sequence;
mod writer;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use clap::ValueEnum;
use eventstore::EventStore;
use tokio::task::JoinSet;

use crate::ground::{Ground, Kind};
use crate::seed::Seed;
use crate::verdict::Findings;
use reader::{Question, Reader};
use sequence::Digest;
use writer::Writer;

/// Events of a small run, half of them on each store.
pub(crate) const SMALL: u64 = 100_000;

const WRITERS: u64 = 16;

/// On each instance: one that reads everything, and one that asks for a type.
const READERS: [Question; 2] = [Question::Everything, Question::OneType];

/// What makes this campaign fail.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Control {
    /// Readers ask for `pos > last` on a bigserial, as most do
    Bigserial,
}

pub(crate) async fn run(size: Option<u64>, control: Option<Control>, seed: Seed) -> anyhow::Result<Findings> {
    match control {
        Some(Control::Bigserial) => bigserial::run(size.unwrap_or(bigserial::SMALL), seed).await,
        None => {
            let events = size.unwrap_or(SMALL).div_ceil(2);
            let mut findings = Findings::default();
            for kind in Kind::BOTH {
                findings.take(on(kind, events, seed).await?);
            }
            Ok(findings)
        }
    }
}

async fn on(kind: Kind, events: u64, seed: Seed) -> anyhow::Result<Findings> {
    let ground = Ground::new(kind).await?;
    let stores = instances(&ground).await?;
    let (left, mut findings) = (Arc::new(AtomicU64::new(events)), Findings::default());
    let mut writers = JoinSet::new();
    for (n, store) in (0..WRITERS).zip(stores.iter().cycle()) {
        let writer = Writer::new(Arc::clone(store), Arc::clone(&left), seed.rng("writer", n));
        writers.spawn(writer.write());
    }
    let mut readers = JoinSet::new();
    for (n, (store, question)) in
        (0..).zip(stores.iter().flat_map(|store| READERS.map(|question| (store, question))))
    {
        let reader = Reader::new(Arc::clone(store), question, seed.rng("reader", n));
        readers.spawn(reader.read_to(events));
    }
    let readers_count = readers.len();
    let (mut acknowledged, mut refused) = (Digest::default(), 0);
    for written in writers.join_all().await {
        acknowledged.add_all(written.acknowledged);
        refused += written.refused;
        findings.take(written.findings);
    }
    let tailed = readers.join_all().await;
    let truth = Reader::new(Arc::clone(&stores[0]), Question::Everything, seed.rng("truth", 0));
    let truth = truth.read_to(events).await;
    if acknowledged != truth.everything {
        findings.add("acknowledged events do not stand where their writers were told", acknowledged);
    }
    for reader in tailed {
        reader.compare(&truth, &mut findings);
    }
    findings.take(truth.findings);
    println!(
        "{kind}: {} events by {WRITERS} writers on {} instances, {refused} appends at a wrong version refused, \
         {readers_count} readers tailing",
        acknowledged.count(),
        stores.len()
    );
    close(stores).await;
    Ok(findings)
}

/// Two on PostgreSQL; SQLite has one by its nature.
async fn instances(ground: &Ground) -> anyhow::Result<Vec<Arc<dyn EventStore>>> {
    let options = ground.options()?;
    options.migrate().await?;
    let mut stores = vec![options.open().await?];
    if ground.kind == Kind::Postgres {
        stores.push(options.open().await?);
    }
    Ok(stores)
}

async fn close(stores: Vec<Arc<dyn EventStore>>) {
    for store in stores {
        store.close().await;
    }
}
