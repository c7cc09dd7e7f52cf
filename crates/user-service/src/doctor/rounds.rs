//! A running service looks at a few users now and then, says what is wrong with them once, and counts.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval_at};
use tokio_util::sync::CancellationToken;

use super::{DoctorError, examine_some};
use crate::directory::Directory;

/// How often.
const EVERY: Duration = Duration::from_mins(10);

/// What has been said already is remembered up to here; then it is said again.
const SAID_MAX: usize = 1000;

/// What a service has seen on its rounds since it started. Cheap to clone: all clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Rounds(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    checked: AtomicU64,
    wrong: AtomicU64,
    last: AtomicU64,
}

impl Rounds {
    /// Users that were looked at; one who was drawn twice counts twice.
    #[must_use]
    pub fn checked(&self) -> u64 {
        self.0.checked.load(Ordering::Relaxed)
    }

    /// Things that were found wrong; one that was seen twice counts twice.
    #[must_use]
    pub fn wrong(&self) -> u64 {
        self.0.wrong.load(Ordering::Relaxed)
    }

    /// When the last round ended, in seconds since 1970; `None` before the first.
    #[must_use]
    pub fn last(&self) -> Option<u64> {
        Some(self.0.last.load(Ordering::Relaxed)).filter(|last| *last != 0)
    }

    /// Goes round after round, so many users each, until `stop`.
    pub(crate) async fn run(&self, directory: Directory, users: usize, stop: CancellationToken) {
        if users == 0 {
            return;
        }
        let mut ticks = interval_at(Instant::now() + EVERY, EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let rounds = async {
            let mut said = HashSet::new();
            loop {
                ticks.tick().await;
                if let Err(error) = self.round(&directory, users, &mut said).await {
                    tracing::warn!(%error, "a sample of users could not be checked");
                }
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = rounds => {}
        }
    }

    /// One round. `said` is what has been said of earlier ones.
    pub async fn round(
        &self,
        directory: &Directory,
        users: usize,
        said: &mut HashSet<String>,
    ) -> Result<(), DoctorError> {
        let report = examine_some(directory, users).await?;
        self.0.checked.fetch_add(report.users, Ordering::Relaxed);
        self.0.wrong.fetch_add(report.findings.len() as u64, Ordering::Relaxed);
        let now = u64::try_from(directory.sources().now().as_second()).unwrap_or_default();
        self.0.last.store(now, Ordering::Relaxed);
        if said.len() > SAID_MAX {
            said.clear();
        }
        for finding in report.findings {
            if said.insert(finding.to_string()) {
                tracing::error!(%finding, repair = finding.repair(), "something is wrong with the store");
            }
        }
        Ok(())
    }
}
