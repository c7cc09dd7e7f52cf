//! The service in this process: where it takes the place of one that was killed, and what it says is compared.

use std::sync::Arc;

use eventstore::{EventQuery, EventStore, Position, RecordedEvent};
use user_service::Sources;
use user_service::directory::Directory;
use user_service::feed::{FeedLimits, RingBounds};

use crate::ground::Ground;
use crate::instance::{self, Served};
use crate::projecting::Projecting;

/// Recent events that it keeps: so few that whoever is slow falls behind.
const RECENT_MAX: usize = 8;

const PAGE: u32 = 1000;

/// The service in this process, with little memory.
pub(crate) struct Ours {
    pub(crate) directory: Directory,
    pub(crate) served: Served,
    projecting: Projecting,
}

impl Ours {
    pub(crate) async fn start(ground: &Ground) -> anyhow::Result<Self> {
        Self::over(ground.options()?.open().await?).await
    }

    /// On a store that somebody may have tampered with.
    pub(crate) async fn over(store: Arc<dyn EventStore>) -> anyhow::Result<Self> {
        let directory = instance::directory(store, Sources::system()).await?;
        let projecting = Projecting::start(directory.projections().clone());
        Self::serving(directory, projecting).await
    }

    /// Serves a directory whose projections somebody has seen to.
    pub(crate) async fn serving(directory: Directory, projecting: Projecting) -> anyhow::Result<Self> {
        let ring = RingBounds { events_max: RECENT_MAX, ..RingBounds::default() };
        let limits = FeedLimits { ring, ..FeedLimits::default() };
        let served = Served::start_with(directory.clone(), limits).await?;
        Ok(Self { directory, served, projecting })
    }

    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        self.served.stop().await?;
        self.projecting.stop().await?;
        self.directory.store().close().await;
        Ok(())
    }

    /// All that has happened.
    pub(crate) async fn log(&self) -> anyhow::Result<Vec<RecordedEvent>> {
        let mut log: Vec<RecordedEvent> = Vec::new();
        loop {
            let after = log.last().map_or(Position::START, |last| last.position);
            let page = self.directory.store().events(&EventQuery::after(after, PAGE)).await?.events;
            if page.is_empty() {
                return Ok(log);
            }
            log.extend(page);
        }
    }
}
