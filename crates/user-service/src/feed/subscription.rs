//! One listener: what she has seen, what she is told next. She pulls; nothing is kept for her but the page she is at.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use cqrs::projection::{NotReached, reached};
use eventstore::{Checkpoint, Deadline, EventFilter, EventStore, Generation, Position, Slot};
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};
use user_domain::User;

use super::event::{FeedEvent, decoded};
use super::ring::{Batch, Taken};
use super::snapshot::Snapshot;
use super::{FeedError, Feeds, Inner, Seat, Start, reading, resume_token};
use crate::projections::USER_HISTORY;

/// How many events of history are read at once.
const PAGE: u32 = 200;

/// After how many events that the filter kept back a listener is told of progress.
const UNTOLD_MAX: u64 = 1000;

/// What a listener is told, and what she has then seen.
#[derive(Clone, Debug)]
pub struct Step {
    /// What she is told.
    pub told: Told,
    /// Everything up to here.
    pub position: Position,
    /// Takes the feed up again from here; empty within a snapshot, which begins anew.
    pub resume_token: String,
    /// In a snapshot: users of whom it does not have everything.
    pub parked_users: u64,
}

/// What a listener is told.
#[derive(Clone, Debug)]
pub enum Told {
    /// A user of the snapshot.
    User(Box<User>),
    /// Something happened.
    Event(Arc<FeedEvent>),
    /// Where the feed is.
    Mark(Mark),
}

/// Where a feed is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// Nothing for this listener has happened up to here.
    Progress,
    /// Everything that has happened has been told; what follows is new.
    CaughtUp,
    /// She was too slow for what is kept in memory, and reads history again.
    FellBehind,
    /// The snapshot is complete.
    SnapshotComplete,
}

/// A feed as its listener has it. It ends when it is dropped.
#[derive(Debug)]
pub struct Subscription {
    feeds: Feeds,
    filter: EventFilter,
    news: watch::Receiver<()>,
    /// What she is told first.
    snapshot: Option<Snapshot>,
    /// Users of whom it does not have everything. None behind it: the events of everybody are told.
    parked_users: u64,
    /// Everything up to here has been looked at for her, and told.
    seen: Checkpoint,
    /// Up to where she knows that, and since when.
    told: (Position, Instant),
    batch: Batch,
    /// Where the log stood when the feed began: before this she has not caught up, although the ring may not know it yet.
    goal: Position,
    /// The epoch of the ring in which the store last knew her place and nothing beyond it.
    trusted: Option<u64>,
    caught_up: bool,
    _seat: Seat,
}

impl Subscription {
    /// Begins a feed. A snapshot is waited for until `deadline`.
    pub(super) async fn begin(
        feeds: Feeds,
        start: Start,
        filter: EventFilter,
        deadline: Deadline,
    ) -> Result<Self, FeedError> {
        let seat = Seat::take(&feeds)?;
        let news = feeds.0.hub.news();
        let goal = feeds.0.directory.store().head().await?.position;
        let (seen, snapshot, parked_users) = match place(&feeds, start).await? {
            Place::Tail(seen) => (seen, None, 0),
            Place::Snapshot(at) => {
                let store = feeds.0.directory.store();
                reached(store, USER_HISTORY.name, at.position, deadline).await?;
                (at, Some(Snapshot::new(at, &filter.aggregate_ids)), parked_users(store).await?)
            }
        };
        Ok(Self {
            filter,
            news,
            snapshot,
            parked_users,
            seen,
            told: (seen.position, Instant::now()),
            batch: Batch::default(),
            goal,
            trusted: None,
            caught_up: false,
            _seat: seat,
            feeds,
        })
    }

    /// What she is told next; waits for it. After an error there is nothing more.
    pub async fn next(&mut self) -> Result<Step, FeedError> {
        let stopped = self.feeds.0.hub.stopped();
        tokio::select! {
            biased;
            () = stopped.cancelled() => Err(FeedError::Stopping),
            step = self.step() => step,
        }
    }

    /// Takes the feed up again after what she has been told; empty within a snapshot.
    #[must_use]
    pub fn resume_token(&self) -> String {
        match self.snapshot {
            Some(_) => String::new(),
            None => resume_token::issue(self.feeds.0.directory.root(), &self.seen),
        }
    }

    async fn step(&mut self) -> Result<Step, FeedError> {
        if let Some(told) = self.copy().await? {
            return Ok(self.tell(told));
        }
        loop {
            if let Some(event) = self.deliver() {
                return Ok(self.tell(Told::Event(event)));
            }
            if let Some(mark) = self.advance().await? {
                return Ok(self.tell(Told::Mark(mark)));
            }
        }
    }

    fn tell(&mut self, told: Told) -> Step {
        self.told = (self.seen.position, Instant::now());
        let step = Step {
            told,
            position: self.seen.position,
            resume_token: self.resume_token(),
            parked_users: self.parked_users,
        };
        // The mark that ends the snapshot is the last to say so.
        if self.snapshot.is_none() {
            self.parked_users = 0;
        }
        step
    }

    /// The next user of the snapshot, or its end; `None` behind it.
    async fn copy(&mut self) -> Result<Option<Told>, FeedError> {
        let Inner { directory, hub, history, .. } = &*self.feeds.0;
        while let Some(snapshot) = &mut self.snapshot {
            if let Some(user) = snapshot.pop(&hub.ring()) {
                return Ok(Some(Told::User(Box::new(user))));
            }
            let erasures = hub.ring().erasures();
            let _turn = history.acquire().await.map_err(|_| FeedError::Stopping)?;
            if !snapshot.read(directory.store(), erasures).await? {
                self.snapshot = None;
                return Ok(Some(Told::Mark(Mark::SnapshotComplete)));
            }
        }
        Ok(None)
    }

    /// The next event of the batch.
    fn deliver(&mut self) -> Option<Arc<FeedEvent>> {
        if !self.batch.events.is_empty() {
            self.feeds.0.hub.ring().refresh(&mut self.batch);
        }
        let Some(event) = self.batch.events.pop_front() else {
            self.seen = self.batch.scanned_to.take().unwrap_or(self.seen);
            return None;
        };
        self.seen = event.checkpoint(self.seen.log_id);
        self.feeds.figures().events_told.fetch_add(1, Ordering::Relaxed);
        Some(event)
    }

    /// Fetches what is next, or waits until there may be something.
    async fn advance(&mut self) -> Result<Option<Mark>, FeedError> {
        if self.seen.position.0 - self.told.0.0 >= UNTOLD_MAX {
            return Ok(Some(Mark::Progress));
        }
        self.news.mark_unchanged();
        let (taken, epoch) = {
            let ring = self.feeds.0.hub.ring();
            (ring.take(&self.seen, self.trusted, &self.filter), ring.epoch())
        };
        match taken {
            Taken::Events(batch) => {
                self.batch = batch;
                Ok(None)
            }
            Taken::End if !self.caught_up && self.seen.position >= self.goal => {
                self.caught_up = true;
                Ok(Some(Mark::CaughtUp))
            }
            Taken::End | Taken::NotYet => Ok(self.wait().await),
            Taken::Behind if self.caught_up => {
                self.caught_up = false;
                self.feeds.figures().fell_behind.fetch_add(1, Ordering::Relaxed);
                Ok(Some(Mark::FellBehind))
            }
            Taken::Behind | Taken::Elsewhere => self.read_history(epoch).await,
        }
    }

    /// A page from the store. If there is nothing beyond her place, the one reader will tell.
    async fn read_history(&mut self, epoch: u64) -> Result<Option<Mark>, FeedError> {
        let batch = self.page().await?;
        if batch.scanned_to == Some(self.seen) {
            self.trusted = Some(epoch);
            self.goal = self.seen.position;
            return Ok(self.wait().await);
        }
        self.batch = batch;
        Ok(None)
    }

    async fn page(&self) -> Result<Batch, FeedError> {
        let Inner { directory, hub, history, figures, .. } = &*self.feeds.0;
        let _turn = history.acquire().await.map_err(|_| FeedError::Stopping)?;
        figures.history_pages.fetch_add(1, Ordering::Relaxed);
        let erasures = hub.ring().erasures();
        let page = reading::after(directory.store(), &self.seen, &self.filter, PAGE).await?;
        let page = page.ok_or_else(|| diverged(&self.feeds))?;
        let events = decoded(directory, page.events).await?.into();
        Ok(Batch { events, scanned_to: Some(page.scanned_to), erasures })
    }

    /// Until the ring changes, or until it is time to say how far the log has been looked at.
    async fn wait(&mut self) -> Option<Mark> {
        let untold = self.seen.position > self.told.0;
        let until = self.told.1 + self.feeds.0.limits.progress_every;
        // The sender lives in the feeds, which this subscription holds.
        if !untold {
            let _ = self.news.changed().await;
            return None;
        }
        timeout_at(until, self.news.changed()).await.is_err().then_some(Mark::Progress)
    }
}

/// Where a feed begins.
enum Place {
    Tail(Checkpoint),
    Snapshot(Checkpoint),
}

/// Users of whom the history could not take everything.
async fn parked_users(store: &dyn EventStore) -> Result<u64, NotReached> {
    let generations = store.projections().generations().await.map_err(NotReached::Store)?;
    let live = |one: &&Generation| one.projection == USER_HISTORY.name && one.slot == Slot::Live;
    Ok(generations.iter().find(live).map_or(0, |live| live.parked_streams))
}

/// Where a feed begins, in this log.
async fn place(feeds: &Feeds, start: Start) -> Result<Place, FeedError> {
    let directory = &feeds.0.directory;
    let store = directory.store();
    Ok(match start {
        Start::Now => Place::Tail(reading::head(store).await?),
        Start::Snapshot => Place::Snapshot(reading::head(store).await?),
        Start::After(position) => match reading::at(store, position).await? {
            Some(place) => Place::Tail(place),
            None => return Err(FeedError::BeyondHead { head: store.head().await?.position }),
        },
        Start::Resume(token) => {
            let seen = resume_token::read(directory.root(), store.log_id(), &token);
            let seen = seen?.ok_or_else(|| diverged(feeds))?;
            if reading::at(store, seen.position).await? != Some(seen) {
                return Err(diverged(feeds));
            }
            Place::Tail(seen)
        }
    })
}

fn diverged(feeds: &Feeds) -> FeedError {
    feeds.figures().diverged.fetch_add(1, Ordering::Relaxed);
    FeedError::Diverged
}
