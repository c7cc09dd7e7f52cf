//! Everything that happened, for whoever wants to take it away: read page by page, so that it costs no memory and holds no
//! transaction, however long it is and however slowly it is taken.

use std::collections::HashSet;
use std::sync::Arc;

use eventstore::{AggregateId, EventFilter, EventQuery, Position, ReadError};
use thiserror::Error;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use super::event_walk::EventWalk;
use super::{EventQuestion, ListedEvent, QueryError, listed};
use crate::directory::Directory;

/// How many events are read at once: some 300 KiB as they are written out.
const PAGE: u32 = 500;

/// The type of the event that says that somebody was erased.
const ERASED: &str = "user.erased";

/// Each export keeps a reader of the store busy for as long as it takes.
const EXPORTS_MAX: usize = 8;

/// Why an export cannot begin or go on.
#[derive(Debug, Error)]
pub enum ExportError {
    /// See its cause.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// Too many are under way. Retry later.
    #[error("too many exports are under way")]
    TooMany,
    /// The service stops. Go on after the last position, at another instance or later.
    #[error("the service is stopping")]
    Stopping,
    /// It is to go on after a position that the log has not reached: it began on another log.
    #[error("the log has not reached this position")]
    BeyondHead {
        /// Where the log stands.
        head: Position,
    },
}

/// What exports are taken from. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Exports {
    pub(super) directory: Directory,
    places: Arc<Semaphore>,
    pub(super) stop: CancellationToken,
}

/// One export on its way.
#[derive(Debug)]
pub struct Export {
    directory: Directory,
    question: EventQuestion,
    walk: EventWalk,
    /// Whoever was erased up to here is known to be.
    erasures: Position,
    stop: CancellationToken,
    _place: OwnedSemaphorePermit,
}

/// What one read brought.
#[derive(Debug)]
pub struct ExportPart {
    /// In the order of positions; perhaps none.
    pub events: Vec<ListedEvent>,
    /// Everything up to here has been looked at.
    pub position: Position,
}

impl Exports {
    /// Exports of a directory, until `stop`: then those that are under way end with [`ExportError::Stopping`].
    #[must_use]
    pub fn new(directory: Directory, stop: CancellationToken) -> Self {
        Self { directory, places: Arc::new(Semaphore::new(EXPORTS_MAX)), stop }
    }

    /// One of the places, for as long as it is held.
    pub(super) fn place(&self) -> Result<OwnedSemaphorePermit, ExportError> {
        Arc::clone(&self.places).try_acquire_owned().map_err(|_| ExportError::TooMany)
    }

    /// Begins one after a position. It ends at the head as it is now.
    pub async fn begin(&self, question: EventQuestion, after: Position) -> Result<Export, ExportError> {
        let place = self.place()?;
        let store = self.directory.store();
        let head = store.head().await.map_err(QueryError::from)?.position;
        if after > head {
            return Err(ExportError::BeyondHead { head });
        }
        let walk = EventWalk::begin(store, &question, Some(after)).await.map_err(QueryError::from)?;
        let (directory, stop) = (self.directory.clone(), self.stop.clone());
        Ok(Export { directory, question, walk, erasures: head, stop, _place: place })
    }
}

impl Export {
    /// Where it ends.
    #[must_use]
    pub fn end(&self) -> Position {
        self.walk.up_to()
    }

    /// Everything up to here has been looked at.
    #[must_use]
    pub fn position(&self) -> Position {
        self.walk.at()
    }

    /// One read; `None` at the end.
    pub async fn next(&mut self) -> Result<Option<ExportPart>, ExportError> {
        if self.walk.is_over() {
            return Ok(None);
        }
        if self.stop.is_cancelled() {
            return Err(ExportError::Stopping);
        }
        let store = self.directory.store();
        let events = self.walk.next(store, &self.question, PAGE).await.map_err(QueryError::from)?;
        let events = listed(&self.directory, events).await?;
        Ok(Some(ExportPart { events, position: self.walk.at() }))
    }

    /// Takes what is personal out of events that were read earlier and have waited since, of whoever has been erased
    /// meanwhile. One look at the head, if nothing happened.
    pub async fn forget_erased<'e>(
        &mut self,
        waiting: impl Iterator<Item = &'e mut ListedEvent>,
    ) -> Result<(), ExportError> {
        let erased = self.erased().await.map_err(QueryError::from)?;
        for event in waiting.filter(|event| erased.contains(&event.recorded().aggregate_id)) {
            *event = event.redacted();
        }
        Ok(())
    }

    /// Who has been erased since this was asked last, or since the export began.
    async fn erased(&mut self) -> Result<HashSet<AggregateId>, ReadError> {
        let (store, mut erased) = (self.directory.store(), HashSet::new());
        while self.erasures < store.head().await?.position {
            let filter = EventFilter { event_types: vec![ERASED.to_owned()], ..EventFilter::default() };
            let page = store.events(&EventQuery { filter, ..EventQuery::after(self.erasures, PAGE) }).await?;
            erased.extend(page.events.iter().map(|event| event.aggregate_id));
            if page.scanned_to == self.erasures {
                break;
            }
            self.erasures = page.scanned_to;
        }
        Ok(erased)
    }
}
