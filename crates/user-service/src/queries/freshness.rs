//! How new an answer is, and waiting until it is as new as the caller wants it.

use eventstore::{Deadline, Position, ProjectionError, ReadError};

use super::QueryError;
use super::projected::{self, View};
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

    /// Waits until a projection can be read and shows the position.
    pub(super) async fn of_projection(
        self,
        directory: &Directory,
        projection: &'static str,
    ) -> Result<View, QueryError> {
        if self.min_position.is_some() {
            self.of_the_log(directory).await?;
        }
        let wanted = self.min_position.unwrap_or(Position::START);
        projected::view(directory, projection, wanted, self.deadline).await
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
