//! A process that dies at one call of the store, before or after it was done; and the control, with rows and checkpoint
//! in transactions of their own.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use eventstore::{Phase, ProjectionBatch, ProjectionError, ProjectionStore, ReadError};
use tokio_util::sync::CancellationToken;

use super::Control;
use crate::tampered::Tamper;

/// The second half of a step under the control.
pub(super) const CHECKPOINT: &str = "checkpoint";

/// On which side of a call the process dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// It has not been done.
    Before,
    /// It has been done, and nobody was told.
    After,
}

/// Where a process dies: at which call of a kind, counted from 1, and on which side of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moment {
    pub(super) call: &'static str,
    pub(super) count: u64,
    pub(super) side: Side,
}

/// Dies at one moment, or never.
#[derive(Debug)]
pub(super) struct Crash {
    at: Option<Moment>,
    control: Option<Control>,
    calls: Mutex<BTreeMap<&'static str, u64>>,
    /// Cancelled when nothing reaches the store any more.
    pub(super) dead: CancellationToken,
}

impl Crash {
    pub(super) fn at(at: Option<Moment>, control: Option<Control>) -> Self {
        Self { at, control, calls: Mutex::default(), dead: CancellationToken::new() }
    }

    /// How often the store was called, by kind of call.
    pub(super) fn calls(&self) -> BTreeMap<&'static str, u64> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn count(&self, call: &'static str) -> u64 {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        let count = calls.entry(call).or_default();
        *count += 1;
        *count
    }

    fn is_at(&self, call: &'static str, side: Side, count: u64) -> bool {
        self.at.is_some_and(|at| at.call == call && at.side == side && count >= at.count)
    }

    fn live_or_die(&self, dies: bool) -> Result<(), ProjectionError> {
        if dies {
            self.dead.cancel();
        }
        if self.dead.is_cancelled() {
            return Err(ReadError::StoreDown("the process is dead".into()).into());
        }
        Ok(())
    }
}

#[async_trait]
impl Tamper for Crash {
    fn before(&self, call: &'static str) -> Result<(), ProjectionError> {
        let count = self.count(call);
        self.live_or_die(self.is_at(call, Side::Before, count))
    }

    fn after(&self, call: &'static str) -> Result<(), ProjectionError> {
        let count = self.calls().get(call).copied().unwrap_or_default();
        self.live_or_die(self.is_at(call, Side::After, count))
    }

    async fn apply(
        &self,
        store: &dyn ProjectionStore,
        batch: ProjectionBatch,
    ) -> Result<Duration, ProjectionError> {
        match self.control {
            Some(Control::CheckpointApart) if batch.from.phase == Phase::Tailing && counts(&batch) => {
                let (park, unpark) = (Vec::new(), Vec::new());
                store.apply(ProjectionBatch { to: batch.from, park, unpark, ..batch.clone() }).await?;
                self.before(CHECKPOINT)?;
                store.apply(ProjectionBatch { rows: Vec::new(), ..batch }).await
            }
            Some(Control::CheckpointApart) | None => store.apply(batch).await,
        }
    }
}

/// Whether it shows when it is written twice. What is put is the same then.
fn counts(batch: &ProjectionBatch) -> bool {
    batch.rows.iter().any(|row| !row.table.counters.is_empty())
}
