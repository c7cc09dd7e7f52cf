//! Everything that happened, for whoever wants to take it away: read page by page, so that it costs no memory and holds no
//! transaction, however long it is and however slowly it is taken.

use std::sync::Arc;

use eventstore::Position;
use thiserror::Error;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use super::event_walk::EventWalk;
use super::{EventQuestion, ListedEvent, QueryError, listed};
use crate::directory::Directory;

/// How many events are read at once: some 300 KiB as they are written out.
const PAGE: u32 = 500;

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
    directory: Directory,
    places: Arc<Semaphore>,
    stop: CancellationToken,
}

/// One export on its way.
#[derive(Debug)]
pub struct Export {
    directory: Directory,
    question: EventQuestion,
    walk: EventWalk,
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

    /// Begins one after a position. It ends at the head as it is now.
    pub async fn begin(&self, question: EventQuestion, after: Position) -> Result<Export, ExportError> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| ExportError::TooMany)?;
        let store = self.directory.store();
        let head = store.head().await.map_err(QueryError::from)?.position;
        if after > head {
            return Err(ExportError::BeyondHead { head });
        }
        let walk = EventWalk::begin(store, &question, Some(after)).await.map_err(QueryError::from)?;
        let (directory, stop) = (self.directory.clone(), self.stop.clone());
        Ok(Export { directory, question, walk, stop, _place: place })
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
}
