//! How new an answer is, and waiting until it is as new as the caller wants it.

use std::time::{Duration, Instant};

use eventstore::{Deadline, Position, ProjectionError, ReadError};
use tokio::time::sleep;

use super::QueryError;
use super::projected::{self, View};
use crate::directory::Directory;
use crate::store::Access;

/// The log is asked this often, at first and at last, while it is waited for.
const POLL_FIRST: Duration = Duration::from_millis(5);
const POLL_LONGEST: Duration = Duration::from_millis(100);

/// How new an answer must be, and how long the caller waits for that.
#[derive(Clone, Copy, Debug)]
pub struct Freshness {
    /// At least as new as this.
    pub min_position: Option<Position>,
    /// Until when.
    pub deadline: Deadline,
}

impl Freshness {
    /// Refuses a position that the log has not reached, or waits for it where others write what is only read here. Answers
    /// with where the log stands: what the inline rows show.
    pub(crate) async fn of_the_log(self, directory: &Directory) -> Result<Position, QueryError> {
        let wanted = self.min_position.unwrap_or(Position::START);
        let mut pause = POLL_FIRST;
        loop {
            let head = directory.store().head().await?.position;
            let remaining = self.deadline.0.saturating_duration_since(Instant::now());
            match directory.access() {
                Access::Owner | Access::Reader if wanted <= head => return Ok(head),
                Access::Owner => return Err(QueryError::NotReached { head }),
                Access::Reader if remaining.is_zero() => return Err(QueryError::ReplicaBehind { head }),
                // A replica cannot listen.
                Access::Reader => sleep(pause.min(remaining)).await,
            }
            pause = (pause * 2).min(POLL_LONGEST);
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
