//! Waiting for the past: what is asked of the projection `user_history` is answered when it has come far enough, or not
//! at all.

use eventstore::{Deadline, Position};

use super::QueryError;
use crate::directory::Directory;
use crate::projections::USER_HISTORY;

/// Waits until the history shows a position of the log, for as long as the caller does.
pub(super) async fn history_shows(
    directory: &Directory,
    position: Position,
    deadline: Deadline,
) -> Result<(), QueryError> {
    let projection = USER_HISTORY.name;
    let shown = directory.projections().reached(projection, position, deadline).await;
    shown.map_err(|cause| QueryError::Projection { projection, cause })
}
