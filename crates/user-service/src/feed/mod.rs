//! Feeds: what happens, as it happens, to whoever listens.
//!
//! One task reads the log for all of them and keeps what is recent; whoever is further back reads history by herself,
//! page by page, and costs nobody else anything. A feed is resumed from what it has seen, never from a time.

mod resume_token;
mod filter;
mod event;
mod reading;
mod ring;
mod snapshot;
mod hub;
mod subscription;
mod figures;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use cqrs::projection::NotReached;
use eventstore::{Deadline, EventFilter, LogId, Position, ReadError};
use thiserror::Error;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

pub use event::FeedEvent;
pub use figures::FeedFigures;
pub use ring::RingBounds;
pub use subscription::{Mark, Step, Subscription, Told};

use crate::directory::Directory;
use crate::queries::QueryError;
use hub::Hub;

/// Feeds of one directory. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Feeds(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    directory: Directory,
    limits: FeedLimits,
    hub: Hub,
    history: Semaphore,
    figures: FeedFigures,
}

/// What feeds may take of a process.
#[derive(Clone, Copy, Debug)]
pub struct FeedLimits {
    /// Who may listen at a time. Each costs a few KiB, a page at most while it is behind, and a turn at each event.
    pub subscribers_max: u64,
    /// How many recent events are kept for those who listen.
    pub ring: RingBounds,
    /// Pages of history that are read at a time: so many connections of the pool, however many listeners are behind.
    pub history_reads_max: usize,
    /// How long a listener whose filter lets nothing through waits to be told how far the log has been looked at.
    pub progress_every: Duration,
}

impl Default for FeedLimits {
    fn default() -> Self {
        Self {
            subscribers_max: 1000,
            ring: RingBounds::default(),
            history_reads_max: 4,
            progress_every: Duration::from_secs(2),
        }
    }
}

/// Where a feed begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// With what happens from now on.
    Now,
    /// After a position of this log.
    After(Position),
    /// After what an earlier feed had seen, by its token.
    Resume(String),
    /// With a copy of the directory as it is now, and then with what comes after it.
    Snapshot,
}

/// Why a feed does not begin, or ends.
#[derive(Debug, Error)]
pub enum FeedError {
    /// The resume token is not one that this service gave.
    #[error("the resume token was not given by this service")]
    BadToken,
    /// The log has not got as far as the feed is to begin.
    #[error("the log has not reached this position")]
    BeyondHead {
        /// Where it stands.
        head: Position,
    },
    /// What the feed has seen is not in the log: it is another log, or it was restored and has gone another way since.
    /// Forget what was made of the feed, and begin with a snapshot.
    #[error(
        "this log is not the one that the feed has been reading, or it has been restored to an earlier state"
    )]
    Diverged,
    /// Too many listen already. Retry later, or elsewhere.
    #[error("too many feeds are open")]
    TooMany,
    /// The history that a snapshot is read from does not get there in time. Retry later.
    #[error("a snapshot cannot be read now")]
    NoSnapshot(#[from] NotReached),
    /// The service stops. Resume elsewhere.
    #[error("the service is stopping; resume with the token")]
    Stopping,
    /// See its cause.
    #[error("the log cannot be read")]
    Read(#[from] QueryError),
}

impl From<ReadError> for FeedError {
    fn from(cause: ReadError) -> Self {
        Self::Read(cause.into())
    }
}

impl Feeds {
    /// Feeds of a directory. Nothing is told until [`Feeds::run`] runs.
    #[must_use]
    pub fn new(directory: Directory, limits: FeedLimits) -> Self {
        Self(Arc::new(Inner {
            directory,
            hub: Hub::new(limits.ring),
            history: Semaphore::new(limits.history_reads_max),
            limits,
            figures: FeedFigures::default(),
        }))
    }

    /// Reads the log for all who listen, until `stop`: then every feed ends, with a token to resume elsewhere. Sleeps
    /// while nobody listens.
    pub async fn run(&self, stop: CancellationToken) {
        self.0.hub.run(&self.0.directory, &self.0.figures, stop).await;
    }

    /// Begins a feed of the events that a filter lets through. A snapshot has those users whom the filter names, or all;
    /// it waits until `deadline` for the history that it is read from.
    pub async fn subscribe(
        &self,
        start: Start,
        filter: EventFilter,
        deadline: Deadline,
    ) -> Result<Subscription, FeedError> {
        Subscription::begin(self.clone(), start, filter, deadline).await
    }

    /// Which log they tell of.
    #[must_use]
    pub fn log_id(&self) -> LogId {
        self.0.directory.store().log_id()
    }

    /// Cancelled when the service stops and nothing more is told: for other streams that should end then.
    #[must_use]
    pub fn stopped(&self) -> CancellationToken {
        self.0.hub.stopped()
    }

    /// What the feeds have done since the start of the process.
    #[must_use]
    pub fn figures(&self) -> &FeedFigures {
        &self.0.figures
    }
}

/// The place of one listener among those who may be. Given back when it is dropped.
#[derive(Debug)]
struct Seat(Feeds);

impl Seat {
    fn take(feeds: &Feeds) -> Result<Self, FeedError> {
        let figures = feeds.figures();
        let free = |taken: u64| (taken < feeds.0.limits.subscribers_max).then_some(taken + 1);
        if figures.subscribers.fetch_update(Ordering::Relaxed, Ordering::Relaxed, free).is_err() {
            figures.refused.fetch_add(1, Ordering::Relaxed);
            return Err(FeedError::TooMany);
        }
        feeds.0.hub.listener_comes();
        Ok(Self(feeds.clone()))
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.0.hub.listener_goes();
        self.0.figures().subscribers.fetch_sub(1, Ordering::Relaxed);
    }
}
