//! What the work on one projection needs in this process, whoever owns it at the moment.

use std::fmt;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::Duration;

use eventstore::{
    EventStore, Fence, Position, ProjectionBatch, ProjectionError, ProjectionLayout, ProjectionStore,
    ReadError, RecordedEvent,
};
use thiserror::Error;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

use super::breaks::Breaks;
use super::counters::Counters;
use super::fold::Happened;
use super::{Decode, Projector, RunnerSettings};
use crate::bus::Fault;

/// Why a step was not taken. It will be tried again.
#[derive(Debug, Error)]
pub(super) enum Trouble {
    /// The store did not take it, or cannot be asked.
    #[error(transparent)]
    Store(#[from] ProjectionError),
    /// Nobody could look into the events.
    #[error(transparent)]
    Decode(#[from] Fault),
}

impl From<ReadError> for Trouble {
    fn from(error: ReadError) -> Self {
        Self::Store(error.into())
    }
}

/// What the work on one projection needs.
pub(super) struct Workplace<E> {
    pub(super) store: Arc<dyn EventStore>,
    pub(super) decode: Arc<dyn Decode<E>>,
    pub(super) projector: Arc<dyn Projector<E>>,
    pub(super) layout: &'static ProjectionLayout,
    pub(super) settings: Arc<RunnerSettings>,
    pub(super) counters: Counters,
    /// How far the live generation has come, if this process knows.
    pub(super) shown: watch::Sender<Option<Position>>,
    /// Somebody in this process has wished something.
    pub(super) nudge: Notify,
    /// Somebody in this process waits for a position.
    pub(super) awaited: Notify,
    /// Those of all projections of this process.
    pub(super) breaks: Breaks,
}

impl<E: Send + Sync + 'static> Workplace<E> {
    pub(super) fn name(&self) -> &'static str {
        self.layout.name
    }

    pub(super) fn projections(&self) -> &dyn ProjectionStore {
        self.store.projections()
    }

    /// What happened, event by event.
    pub(super) async fn read(&self, events: Vec<RecordedEvent>) -> Result<Vec<Happened<E>>, Trouble> {
        if events.is_empty() {
            return Ok(Vec::new());
        }
        let read = self.decode.decode(&events).await?;
        if read.len() != events.len() {
            return Err(Fault::Broken("not every event was answered for".into()).into());
        }
        let both = events.into_iter().zip(read);
        Ok(both.map(|(recorded, event)| Happened { recorded, event }).collect())
    }

    /// Takes a step, and says how long the store worked on it: in a task of its own, so that whoever waits for it can do
    /// something else meanwhile without it taking longer.
    pub(super) async fn apply(&self, batch: ProjectionBatch, events: usize) -> Result<Duration, Trouble> {
        let (parked, store) = (batch.park.len(), Arc::clone(&self.store));
        let mut writing = JoinSet::new();
        writing.spawn(async move { store.projections().apply(batch).await });
        let joined = writing.join_next().await.expect("it has one task");
        let time = joined.unwrap_or_else(|error| resume_unwind(error.into_panic()))?;
        self.counters.step(events, parked, time);
        self.breaks.worked(time, &*self.store);
        Ok(time)
    }

    /// Gives a lease back, unless that takes too long: then it expires.
    pub(super) async fn release(&self, lease: &str, fence: Fence) {
        let released = self.projections().release(lease, fence);
        match tokio::time::timeout(self.settings.lease_ttl / 2, released).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(projection = self.name(), %error, "a lease is left to expire"),
            Err(_) => tracing::warn!(projection = self.name(), "a lease is left to expire"),
        }
    }
}

impl<E> fmt::Debug for Workplace<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Workplace").field("projection", &self.layout.name).finish_non_exhaustive()
    }
}
