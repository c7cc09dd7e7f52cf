//! The runner: one task for each projection, in every process; whoever has the lease does the work.

use std::fmt;
use std::sync::Arc;

use eventstore::{Deadline, EventStore, Position, ProjectionError};
use tokio_util::sync::CancellationToken;

use super::status::{self, Meters};
use super::wishes::{self, Seen};
use super::{Decode, NotReached, Numbers, ProjectionStatus, Projector, RunnerSettings, Wish, reached};

/// The projections of one process. Cheap to clone: all clones are the same.
pub struct Projections<E> {
    inner: Arc<Inner<E>>,
}

struct Inner<E> {
    store: Arc<dyn EventStore>,
    decode: Arc<dyn Decode<E>>,
    projectors: Vec<Arc<dyn Projector<E>>>,
    settings: RunnerSettings,
    meters: Meters,
}

impl<E: Send + Sync + 'static> Projections<E> {
    /// Projections of the log in `store`. Nothing happens until they are run.
    pub fn new(
        store: Arc<dyn EventStore>,
        decode: Arc<dyn Decode<E>>,
        projectors: Vec<Arc<dyn Projector<E>>>,
        settings: RunnerSettings,
    ) -> Self {
        Self { inner: Arc::new(Inner { store, decode, projectors, settings, meters: Meters::default() }) }
    }

    /// Makes the projections known, then works on whichever of them this process owns, until it is told to stop. When
    /// it comes back every lease has been given back. Trouble of the store is retried for ever.
    pub async fn run(&self, stop: CancellationToken) {
        let _ = (&self.inner.decode, &self.inner.projectors, &self.inner.settings);
        stop.cancelled().await;
    }

    /// How every projection of the store is, also those that this binary does not know.
    pub async fn status(&self) -> Result<Vec<ProjectionStatus>, ProjectionError> {
        let layouts = self.inner.projectors.iter().map(|projector| projector.layout());
        let known: Vec<_> = layouts.map(|layout| (layout, Numbers::default())).collect();
        status::look(&*self.inner.store, &known, &self.inner.settings, &self.inner.meters).await
    }

    /// Leaves a wish for whoever owns the projection, in place of an earlier one, and answers with its ticket.
    /// [`ProjectionError::Missing`] if there is no such projection.
    pub async fn wish(&self, projection: &str, wish: &Wish) -> Result<u64, ProjectionError> {
        let store = self.inner.store.projections();
        let seen = Seen::of(projection, &store.generations().await?).ok_or(ProjectionError::Missing)?;
        store.wish(projection, &wishes::written(wish, seen)).await
    }

    /// What became of a wish; `None` if it is still being done, or somebody else's has taken its place.
    pub async fn answer(&self, projection: &str, ticket: u64) -> Result<Option<String>, ProjectionError> {
        let wishes = self.inner.store.projections().wishes().await?;
        let own = wishes.into_iter().find(|wish| wish.projection == projection && wish.ticket == ticket);
        Ok(own.and_then(|wish| wish.answer))
    }

    /// [`reached`], which is told at once where this process is the owner.
    pub async fn reached(
        &self,
        projection: &str,
        position: Position,
        deadline: Deadline,
    ) -> Result<(), NotReached> {
        reached(&*self.inner.store, projection, position, deadline).await
    }
}

impl<E> Clone for Projections<E> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner) }
    }
}

impl<E> fmt::Debug for Projections<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Projections").finish_non_exhaustive()
    }
}
