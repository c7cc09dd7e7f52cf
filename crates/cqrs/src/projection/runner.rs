//! The runner: one task for each projection, in every process; whoever has the lease does the work.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use eventstore::{AggregateId, Deadline, EventStore, Position, ProjectionError};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::breaks::Breaks;
use super::check::{self, Checked, NotChecked, NotComparable};
use super::check_all::{self, CheckedAll};
use super::compete::compete;
use super::counters::Counters;
use super::reached::reached_here;
use super::retry::Backoff;
use super::share::Share;
use super::status::{self, Meters};
use super::wishes::{self, Seen};
use super::workplace::Workplace;
use super::{Decode, NotReached, Outcome, ProjectionStatus, Projector, RunnerSettings, Wish};

/// The projections of one process. Cheap to clone: all clones are the same.
pub struct Projections<E> {
    inner: Arc<Inner<E>>,
}

struct Inner<E> {
    store: Arc<dyn EventStore>,
    places: Vec<Arc<Workplace<E>>>,
    settings: Arc<RunnerSettings>,
    meters: Meters,
}

/// What became of a wish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It waits, or is being done.
    Pending,
    /// It is over.
    Given(Outcome),
    /// Somebody has wished something else since. What had begun goes on beside it, unless that is another generation.
    Replaced,
}

impl<E: Send + Sync + 'static> Projections<E> {
    /// Projections of the log in `store`. Nothing happens until they are run.
    #[expect(clippy::needless_pass_by_value, reason = "they are kept, one for each projection")]
    pub fn new(
        store: Arc<dyn EventStore>,
        decode: Arc<dyn Decode<E>>,
        projectors: Vec<Arc<dyn Projector<E>>>,
        settings: RunnerSettings,
    ) -> Self {
        let (settings, breaks) = (Arc::new(settings), Breaks::new());
        let place = |projector: Arc<dyn Projector<E>>| Workplace {
            store: Arc::clone(&store),
            decode: Arc::clone(&decode),
            layout: projector.layout(),
            projector,
            settings: Arc::clone(&settings),
            counters: Counters::default(),
            shown: watch::Sender::new(None),
            nudge: Notify::new(),
            awaited: Notify::new(),
            breaks: breaks.clone(),
        };
        let places = projectors.into_iter().map(|projector| Arc::new(place(projector))).collect();
        Self { inner: Arc::new(Inner { store, places, settings, meters: Meters::default() }) }
    }

    /// Makes the projections known, then works on whichever of them this process owns, until it is told to stop. When
    /// it comes back every lease has been given back. Trouble of the store is retried for ever.
    pub async fn run(&self, stop: CancellationToken) {
        if !self.declare(&stop).await {
            return;
        }
        let (mut tasks, share) = (JoinSet::new(), Share::default());
        let mut places = self.inner.places.clone();
        // Another process begins with another one, so that each gets some.
        fastrand::shuffle(&mut places);
        for place in places {
            tasks.spawn(supervise(place, share.clone(), stop.clone()));
        }
        while tasks.join_next().await.is_some() {}
    }

    /// Whether it was not stopped before.
    async fn declare(&self, stop: &CancellationToken) -> bool {
        let layouts: Vec<_> = self.inner.places.iter().map(|place| place.layout).collect();
        let mut backoff = Backoff::new(&self.inner.settings);
        loop {
            let declared = tokio::select! {
                declared = self.inner.store.projections().declare(&layouts) => declared,
                () = stop.cancelled() => return false,
            };
            let Err(error) = declared else { return true };
            tracing::warn!(%error, "the projections are not declared");
            tokio::select! {
                () = tokio::time::sleep(backoff.pause()) => {}
                () = stop.cancelled() => return false,
            }
        }
    }

    /// How every projection of the store is, also those that this binary does not know.
    pub async fn status(&self) -> Result<Vec<ProjectionStatus>, ProjectionError> {
        let known = self.inner.places.iter().map(|place| (place.layout, place.counters.numbers()));
        let known: Vec<_> = known.collect();
        status::look(&*self.inner.store, &known, &self.inner.settings, &self.inner.meters).await
    }

    /// Leaves a wish for whoever owns the projection, in place of an earlier one, and answers with its ticket.
    /// [`ProjectionError::Missing`] if there is no such projection.
    pub async fn wish(&self, projection: &str, wish: &Wish) -> Result<u64, ProjectionError> {
        let store = self.inner.store.projections();
        let seen = Seen::of(projection, &store.generations().await?).ok_or(ProjectionError::Missing)?;
        let all = store.wishes().await?;
        let row = all.iter().find(|row| row.projection == projection);
        let ticket = store.wish(projection, &wishes::written(wish, seen, row)).await?;
        if let Some(place) = self.place(projection) {
            place.nudge.notify_one();
        }
        Ok(ticket)
    }

    /// What became of a wish.
    pub async fn answer(&self, projection: &str, ticket: u64) -> Result<Answer, ProjectionError> {
        let wishes = self.inner.store.projections().wishes().await?;
        let latest = wishes.into_iter().find(|wish| wish.projection == projection);
        Ok(match latest {
            Some(wish) if wish.ticket == ticket => {
                wish.answer.map_or(Answer::Pending, |text| Answer::Given(Outcome::read(&text)))
            }
            Some(_) | None => Answer::Replaced,
        })
    }

    /// [`super::reached`], which is told at once where this process is the owner.
    pub async fn reached(
        &self,
        projection: &str,
        position: Position,
        deadline: Deadline,
    ) -> Result<(), NotReached> {
        let shown = self.place(projection).map(|place| {
            let shown = place.shown.subscribe();
            place.awaited.notify_one();
            shown
        });
        reached_here(&*self.inner.store, projection, position, deadline, shown).await
    }

    /// Whether the live rows of a projection about one stream are what the log says. Also beside its owner: what moves
    /// meanwhile is looked at again.
    pub async fn check(&self, projection: &str, stream: AggregateId) -> Result<Checked, NotChecked> {
        match self.place(projection) {
            Some(place) => Ok(check::stream(place, stream).await?),
            None => Ok(Checked::NotComparable(NotComparable::Unknown)),
        }
    }

    /// The same for every row, those about nobody too. Holds no more than a page of streams and what is counted.
    pub async fn check_all(&self, projection: &str) -> Result<CheckedAll, NotChecked> {
        match self.place(projection) {
            Some(place) => Ok(check_all::everything(place).await?),
            None => Ok(CheckedAll::not(NotComparable::Unknown)),
        }
    }

    /// Some streams at random, each once: of those with many events rather than of those with few.
    pub async fn some_streams(&self, count: usize) -> Result<BTreeSet<AggregateId>, ProjectionError> {
        Ok(check::some_streams(&*self.inner.store, count).await?)
    }

    fn place(&self, projection: &str) -> Option<&Arc<Workplace<E>>> {
        self.inner.places.iter().find(|place| place.name() == projection)
    }
}

/// Begins again when the work on a projection panics. A projector's panics never come here: they park an event.
async fn supervise<E: Send + Sync + 'static>(
    place: Arc<Workplace<E>>,
    share: Share,
    stop: CancellationToken,
) {
    let mut backoff = Backoff::new(&place.settings);
    loop {
        let mut task = JoinSet::new();
        task.spawn(compete(Arc::clone(&place), share.clone(), stop.clone()));
        let Some(Err(error)) = task.join_next().await else { return };
        place.counters.failure();
        tracing::error!(projection = place.name(), %error, "the work on a projection ended");
        tokio::select! {
            () = tokio::time::sleep(backoff.pause()) => {}
            () = stop.cancelled() => return,
        }
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
