//! Following the log: each erasure is written down soon after it was recorded, also those of other instances.

use std::time::Duration;

use eventstore::{
    BoxError, EventFilter, EventId, EventQuery, EventStore, Position, ReadError, RecordedEvent,
};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use super::{ErasureList, Listed, reapply};
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
            if let Err(error) = follow_on(&directory, &list).await {
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

/// Follows from what is listed already. Ends with an error only: also when the log is not the one that was followed any
/// more, since a backup was put back under the running service. Beginning again, it erases who had been erased.
async fn follow_on(directory: &Directory, list: &ErasureList) -> Result<(), BoxError> {
    let restored = reapply(directory, list).await?;
    if restored.erased_again > 0 {
        warn!(users = restored.erased_again, "a backup was put back: who had been erased was erased again");
    }
    let (store, listed) = (directory.store(), list.read()?);
    let mut after = known(store, &listed).await?;
    // A line of a time that was lost is done by now, and says nothing of where the log is.
    let mut latest = listed.into_iter().next_back().filter(|latest| latest.position == after.0);
    loop {
        (after, latest) = write_down(store, list, after, latest).await?;
        let seen = event_at(store, after).await?;
        // Looked at behind that: whichever log `seen` is of, it holds what is listed.
        if let Some(latest) = &latest
            && !holds(store, latest).await?
        {
            return Err(FollowError::Diverged.into());
        }
        store.beyond(after).await;
        if event_at(store, after).await? != seen {
            return Err(FollowError::Diverged.into());
        }
    }
}

/// What stands at a position: another event, or none, after a backup was put back, however far that has come since.
async fn event_at(store: &dyn EventStore, position: Position) -> Result<Option<EventId>, ReadError> {
    let before = Position(position.0.saturating_sub(1));
    let page = store.events(&EventQuery::after(before, 1)).await?;
    let event = page.events.first().filter(|event| event.position == position);
    Ok(event.map(|event| event.event_id))
}

/// Writes down what was erased after a position, up to the head, if the log still holds the line that was written last.
/// Answers with how far it has looked, and with the last line.
pub(super) async fn write_down(
    store: &dyn EventStore,
    list: &ErasureList,
    mut after: Position,
    mut latest: Option<Listed>,
) -> Result<(Position, Option<Listed>), FollowError> {
    loop {
        let filter = EventFilter { event_types: vec![ERASED.to_owned()], ..EventFilter::default() };
        let page = store.events(&EventQuery { filter, ..EventQuery::after(after, PAGE) }).await?;
        if !page.events.is_empty() {
            if let Some(latest) = &latest
                && !holds(store, latest).await?
            {
                return Err(FollowError::Diverged);
            }
            let erasures: Vec<_> = page.events.iter().map(|event| listed(store, event)).collect();
            latest = erasures.last().cloned();
            let list = list.clone();
            tokio::task::spawn_blocking(move || list.add(&erasures))
                .await
                .map_err(std::io::Error::other)??;
        }
        if page.scanned_to == after {
            return Ok((after, latest));
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
    /// The log does not hold what was read of it before.
    #[error("the log is another one than before: a backup was put back")]
    Diverged,
    /// See its cause.
    #[error("the list cannot be written: {0}")]
    List(#[from] std::io::Error),
}
