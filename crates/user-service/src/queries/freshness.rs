//! How new an answer is, and waiting until it is as new as the caller wants it.

use cqrs::projection::NotReached;
use eventstore::{Deadline, Position, ProjectionError, ReadError, Slot};

use super::QueryError;
use crate::directory::Directory;

/// How new an answer must be, and how long the caller waits for that.
#[derive(Clone, Copy, Debug)]
pub struct Freshness {
    /// At least as new as this.
    pub min_position: Option<Position>,
    /// Until when.
    pub deadline: Deadline,
}

impl Freshness {
    /// Refuses a position that the log has not reached. Answers with where the log stands: what the inline rows show.
    pub(super) async fn of_the_log(self, directory: &Directory) -> Result<Position, QueryError> {
        let head = directory.store().head().await?.position;
        match self.min_position {
            Some(wanted) if wanted > head => Err(QueryError::NotReached { head }),
            Some(_) | None => Ok(head),
        }
    }

    /// Waits until a projection can be read and shows the position. Answers with where it stands: what is read after that
    /// is at least as new.
    pub(super) async fn of_projection(
        self,
        directory: &Directory,
        projection: &'static str,
    ) -> Result<Position, QueryError> {
        if self.min_position.is_some() {
            self.of_the_log(directory).await?;
        }
        let wanted = self.min_position.unwrap_or(Position::START);
        let behind = |cause| QueryError::Projection { projection, cause };
        directory.projections().reached(projection, wanted, self.deadline).await.map_err(behind)?;
        let generations = directory.store().projections().generations().await;
        let generations = generations.map_err(|cause| behind(NotReached::Store(cause)))?;
        let live = generations.iter().find(|one| one.projection == projection && one.slot == Slot::Live);
        live.map(|live| live.checkpoint.position).ok_or_else(|| behind(NotReached::Unknown))
    }
}

/// What a failure to ask the catalog comes to.
pub(crate) fn of_catalog(failure: &ProjectionError) -> Option<&ReadError> {
    match failure {
        ProjectionError::Store(cause) => Some(cause),
        ProjectionError::Fenced
        | ProjectionError::Moved
        | ProjectionError::Missing
        | ProjectionError::Behind => None,
    }
}
