//! Following the log: each erasure is written down soon after it was recorded, also those of other instances.

use std::time::Duration;

use eventstore::{EventFilter, EventQuery, EventStore, Position, ReadError, RecordedEvent};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::error;

use super::{ErasureList, Listed};
use crate::directory::Directory;

/// The type of the event that says that somebody was erased.
pub(super) const ERASED: &str = "user.erased";

const PAGE: u32 = 500;

/// After a failure. The log keeps what is to be written.
const PAUSE: Duration = Duration::from_secs(5);

/// Writes erasures down until `stop`.
pub async fn follow(directory: Directory, list: ErasureList, stop: CancellationToken) {
    let follow = async {
        loop {
            if let Err(error) = follow_on(directory.store(), &list).await {
                error!(%error, list = %list.path().display(), "erasures cannot be written down");
            }
            sleep(PAUSE).await;
        }
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = follow => {}
    }
}

/// Follows from what is listed already. Ends with an error only.
async fn follow_on(store: &dyn EventStore, list: &ErasureList) -> Result<(), FollowError> {
    let mut after = known(store, &list.read()?).await?;
    loop {
        after = write_down(store, list, after).await?;
        store.beyond(after).await;
    }
}

/// Writes down what was erased after a position, up to the head. Answers with how far it has looked.
pub(super) async fn write_down(
    store: &dyn EventStore,
    list: &ErasureList,
    mut after: Position,
) -> Result<Position, FollowError> {
    loop {
        let filter = EventFilter { event_types: vec![ERASED.to_owned()], ..EventFilter::default() };
        let page = store.events(&EventQuery { filter, ..EventQuery::after(after, PAGE) }).await?;
        if !page.events.is_empty() {
            let erasures: Vec<_> = page.events.iter().map(|event| listed(store, event)).collect();
            let list = list.clone();
            tokio::task::spawn_blocking(move || list.add(&erasures))
                .await
                .map_err(std::io::Error::other)??;
        }
        if page.scanned_to == after {
            return Ok(after);
        }
        after = page.scanned_to;
    }
}

/// How far the log and the list agree: the last listed erasure that the log holds where the list says.
pub(super) async fn known(store: &dyn EventStore, listed: &[Listed]) -> Result<Position, ReadError> {
    for erasure in listed.iter().rev() {
        if holds(store, erasure).await? {
            return Ok(Position(erasure.position));
        }
    }
    Ok(Position::START)
}

/// Whether the log holds an erasure where the list says.
async fn holds(store: &dyn EventStore, erasure: &Listed) -> Result<bool, ReadError> {
    let before = Position(erasure.position.saturating_sub(1));
    let page = store.events(&EventQuery::after(before, 1)).await?;
    let same =
        |event: &RecordedEvent| event.position.0 == erasure.position && event.event_id.0 == erasure.event_id;
    Ok(store.log_id().0 == erasure.log_id && page.events.first().is_some_and(same))
}

fn listed(store: &dyn EventStore, event: &RecordedEvent) -> Listed {
    Listed {
        user_id: event.aggregate_id.0,
        log_id: store.log_id().0,
        position: event.position.0,
        event_id: event.event_id.0,
        erased_at: event.recorded_at.to_string(),
    }
}

/// Why erasures cannot be written down.
#[derive(Debug, thiserror::Error)]
pub(super) enum FollowError {
    /// See its cause.
    #[error("the log cannot be read: {0}")]
    Store(#[from] ReadError),
    /// See its cause.
    #[error("the list cannot be written: {0}")]
    List(#[from] std::io::Error),
}
