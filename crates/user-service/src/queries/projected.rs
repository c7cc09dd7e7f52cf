//! Views that are read from a projection: waiting until it has come far enough, and saying what it could not take.

use cqrs::projection::NotReached;
use eventstore::{Deadline, Position, ProjectionError, Slot};

use super::QueryError;
use crate::directory::Directory;
use crate::projections::USER_HISTORY;

/// What a projection shows. What is read after it was looked at is at least as new.
#[derive(Clone, Copy, Debug)]
pub(super) struct View {
    /// Everything up to here, but for those who are parked.
    pub(super) position: Position,
    /// Users of whom it could not take everything.
    pub(super) parked_users: u64,
}

/// Waits until a projection shows a position of the log, for as long as the caller does.
pub(super) async fn view(
    directory: &Directory,
    projection: &'static str,
    position: Position,
    deadline: Deadline,
) -> Result<View, QueryError> {
    let behind = |cause| QueryError::Projection { projection, cause };
    directory.projections().reached(projection, position, deadline).await.map_err(behind)?;
    let generations = directory.store().projections().generations().await;
    let generations = generations.map_err(|cause: ProjectionError| behind(NotReached::Store(cause)))?;
    let live = generations.iter().find(|one| one.projection == projection && one.slot == Slot::Live);
    let live = live.ok_or_else(|| behind(NotReached::Unknown))?;
    Ok(View { position: live.checkpoint.position, parked_users: live.parked_streams })
}

/// The same for the past.
pub(super) async fn history_shows(
    directory: &Directory,
    position: Position,
    deadline: Deadline,
) -> Result<View, QueryError> {
    view(directory, USER_HISTORY.name, position, deadline).await
}
