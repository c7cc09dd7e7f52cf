//! Sixteen writers, for whoever kills what they write to.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::bail;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::habits::{Habits, Retries};
use super::ledger::{Ledger, SoFar};
use super::plan::{Plan, Shared};
use super::writer::{Writer, Written};
use crate::ground::Ground;
use crate::seed::Seed;

pub(super) const WRITERS: u64 = 16;

/// A user for each writer and two more take a second, on a machine with nothing else to do.
const SETTLING_IN_MAX: Duration = Duration::from_mins(2);

const PAUSE: Duration = Duration::from_millis(100);

/// The writers at work.
#[derive(Debug)]
pub(crate) struct Crew {
    whereabouts: watch::Sender<Option<SocketAddr>>,
    stop: Arc<AtomicBool>,
    at_home: Arc<AtomicU64>,
    acknowledged: Arc<AtomicU64>,
    writers: JoinSet<anyhow::Result<Written>>,
    ledger: PathBuf,
}

impl Crew {
    /// They write as soon as they are told where, and keep their ledger beside the store.
    pub(crate) fn begin(ground: &Ground, seed: Seed) -> anyhow::Result<Self> {
        Self::with(Habits { retries: Retries::OfTheUnanswered, deadline: None }, ground, seed)
    }

    /// The same, with other habits.
    pub(crate) fn with(habits: Habits, ground: &Ground, seed: Seed) -> anyhow::Result<Self> {
        let file = ground.folder().join("ledger");
        let (whereabouts, found) = watch::channel(None);
        let (stop, shared) = <(Arc<AtomicBool>, Shared)>::default();
        let (at_home, acknowledged) = <(Arc<AtomicU64>, Arc<AtomicU64>)>::default();
        let ledger = Ledger::begin(&file)?;
        let mut writers = JoinSet::new();
        for n in 0..WRITERS {
            let writer = Writer {
                plan: Plan::new(n, Arc::clone(&shared), seed.rng("plan", n)),
                ledger: ledger.clone(),
                whereabouts: found.clone(),
                at_home: Arc::clone(&at_home),
                acknowledged: Arc::clone(&acknowledged),
                stop: Arc::clone(&stop),
                rng: seed.rng("request ids", n),
                habits,
                connected: None,
            };
            writers.spawn(writer.write());
        }
        Ok(Self { whereabouts, stop, at_home, acknowledged, writers, ledger: file })
    }

    /// Where the service is now; nowhere between a kill and the next start.
    pub(crate) fn tell(&self, address: Option<SocketAddr>) {
        self.whereabouts.send_replace(address);
    }

    /// Making users is mostly hashing, and a kill in the midst of it meets nothing else: before the first, there are some.
    pub(crate) async fn settle_in(&self) -> anyhow::Result<()> {
        let began = Instant::now();
        while self.at_home.load(Ordering::Relaxed) < WRITERS {
            if began.elapsed() > SETTLING_IN_MAX {
                bail!("the writers do not get the users that they need");
            }
            sleep(PAUSE).await;
        }
        Ok(())
    }

    /// How much has been acknowledged so far.
    pub(crate) fn acknowledged(&self) -> u64 {
        self.acknowledged.load(Ordering::Relaxed)
    }

    /// What their ledger says by now.
    pub(crate) fn so_far(&self) -> anyhow::Result<SoFar> {
        SoFar::read(&self.ledger)
    }

    /// How long it takes until more is acknowledged, if it is in time.
    pub(crate) async fn goes_on(&self, patience: Duration) -> Option<Duration> {
        let (began, stood) = (Instant::now(), self.acknowledged());
        while began.elapsed() < patience {
            if self.acknowledged() > stood {
                return Some(began.elapsed());
            }
            sleep(PAUSE / 5).await;
        }
        None
    }

    /// Returns when each has settled what she began: where the ledger is, and what they did.
    pub(crate) async fn rest(mut self) -> anyhow::Result<(PathBuf, Written)> {
        self.stop.store(true, Ordering::Relaxed);
        let mut all = Written::default();
        while let Some(written) = self.writers.join_next().await {
            all.add(written??);
        }
        Ok((self.ledger, all))
    }
}
