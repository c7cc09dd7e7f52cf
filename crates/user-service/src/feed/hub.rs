//! The one reader of the log: it waits for the log to grow, reads what is new once, and wakes everybody.
//!
//! Each read begins with the last event that it knows. If that is no longer there, the log is another one, and all who
//! listen have to look for their own place again. It never fails: while the store is away it asks again.

use std::sync::atomic::Ordering;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use eventstore::{EventFilter, Position};
use futures_util::future::BoxFuture;
use tokio::sync::watch;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::event::decoded;
use super::ring::{Ring, RingBounds};
use super::{FeedFigures, reading};
use crate::directory::Directory;
use crate::queries::QueryError;

/// How many events are read at once.
const PAGE: u32 = 500;

/// Between two attempts while the store is away.
const PAUSE_MIN: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(super) struct Hub {
    ring: Mutex<Ring>,
    /// Changes whenever the ring does.
    news: watch::Sender<()>,
    listeners: watch::Sender<u64>,
    stopped: CancellationToken,
}

/// What one look at the log brought.
enum Look {
    /// Something; there may be more.
    More,
    /// Nothing beyond this.
    End(Position),
}

impl Hub {
    pub(super) fn new(bounds: RingBounds) -> Self {
        Self {
            ring: Mutex::new(Ring::new(bounds)),
            news: watch::Sender::new(()),
            listeners: watch::Sender::new(0),
            stopped: CancellationToken::new(),
        }
    }

    /// Recent events. Never held across an await.
    pub(super) fn ring(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says when the ring has changed.
    pub(super) fn news(&self) -> watch::Receiver<()> {
        self.news.subscribe()
    }

    /// Cancelled when nothing more will be told.
    pub(super) fn stopped(&self) -> CancellationToken {
        self.stopped.clone()
    }

    pub(super) fn listener_comes(&self) {
        self.listeners.send_modify(|listeners| *listeners += 1);
    }

    pub(super) fn listener_goes(&self) {
        self.listeners.send_modify(|listeners| *listeners -= 1);
    }

    /// Reads whenever somebody listens, until `stop`.
    pub(super) async fn run(&self, directory: &Directory, figures: &FeedFigures, stop: CancellationToken) {
        let mut listeners = self.listeners.subscribe();
        let read = async {
            // It cannot fail: the sender is our own.
            while listeners.wait_for(|listeners| *listeners > 0).await.is_ok() {
                self.follow(directory, figures).await;
                self.change(|ring| ring.reset(None));
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = read => {}
        }
        self.stopped.cancel();
    }

    /// Reads until nobody listens any more.
    async fn follow(&self, directory: &Directory, figures: &FeedFigures) {
        let mut listeners = self.listeners.subscribe();
        let mut pause = PAUSE_MIN;
        while *listeners.borrow_and_update() > 0 {
            let wait: BoxFuture<'_, ()> = match self.look(directory, figures).await {
                Ok(Look::More) => {
                    pause = PAUSE_MIN;
                    continue;
                }
                Ok(Look::End(position)) => directory.store().beyond(position),
                Err(error) => {
                    tracing::warn!(%error, ?pause, "feeds cannot read the log and will try again");
                    let waited = sleep(pause);
                    pause = PAUSE_MAX.min(2 * pause);
                    Box::pin(waited)
                }
            };
            tokio::select! {
                () = wait => {}
                _ = listeners.wait_for(|listeners| *listeners == 0) => {}
            }
        }
    }

    async fn look(&self, directory: &Directory, figures: &FeedFigures) -> Result<Look, QueryError> {
        figures.tail_reads.fetch_add(1, Ordering::Relaxed);
        let end = self.ring().end();
        let Some(end) = end else {
            let head = reading::head(directory.store()).await?;
            self.change(|ring| ring.reset(Some(head)));
            return Ok(Look::More);
        };
        let Some(page) = reading::after(directory.store(), &end, &EventFilter::default(), PAGE).await? else {
            tracing::warn!(position = %end.position, "the log is not the one that feeds have been reading");
            self.change(|ring| ring.reset(None));
            return Ok(Look::More);
        };
        if page.events.is_empty() {
            return Ok(Look::End(end.position));
        }
        let events = decoded(directory, page.events).await?;
        self.change(|ring| events.into_iter().for_each(|event| ring.push(event)));
        Ok(Look::More)
    }

    fn change(&self, change: impl FnOnce(&mut Ring)) {
        change(&mut self.ring());
        self.news.send_replace(());
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use eventstore::Deadline;

    use super::*;
    use crate::directory::directory_in;
    use crate::feed::{FeedLimits, Feeds, Mark, Start, Told};

    #[tokio::test]
    async fn it_reads_while_somebody_listens_and_forgets_everything_when_nobody_does() {
        let folder = tempfile::tempdir().expect("there is room");
        let feeds = Feeds::new(directory_in(folder.path()).await, FeedLimits::default());
        let stop = CancellationToken::new();
        let running = tokio::spawn({
            let (feeds, stop) = (feeds.clone(), stop.clone());
            async move { feeds.run(stop).await }
        });
        let hub = &feeds.0.hub;
        for _ in 0..2 {
            assert_eq!(hub.ring().end(), None, "it sleeps");
            let soon = Deadline(Instant::now() + Duration::from_secs(10));
            let feed = feeds.subscribe(Start::Now, EventFilter::default(), soon).await;
            let mut feed = feed.expect("there is room");
            let first = feed.next().await.expect("nothing stops").told;
            assert!(matches!(first, Told::Mark(Mark::CaughtUp)), "{first:?}");
            assert_eq!(hub.ring().end().map(|end| end.position), Some(Position::START));
            let mut news = hub.news();
            drop(feed);
            while hub.ring().end().is_some() {
                news.changed().await.expect("the hub is there");
            }
        }
        stop.cancel();
        running.await.expect("it does not panic");
        let soon = Deadline(Instant::now() + Duration::from_secs(10));
        let late = feeds.subscribe(Start::Now, EventFilter::default(), soon).await;
        let end = late.expect("there is room").next().await;
        assert!(matches!(end, Err(crate::feed::FeedError::Stopping)), "{end:?}");
    }
}
