//! How far the log is known to go, for those who wait for more of it.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

use crate::Position;

/// Somebody else may append without telling us. Whoever waits looks for herself after so long.
const PATIENCE: Duration = Duration::from_secs(1);

/// A position that only grows, unless the log is put back. Cheap to clone.
#[derive(Clone, Debug)]
pub struct KnownHead(Arc<watch::Sender<Position>>);

impl KnownHead {
    /// Something stands at this position.
    pub fn saw(&self, position: Position) {
        self.0.send_if_modified(|known| {
            let more = position > *known;
            *known = position.max(*known);
            more
        });
    }

    /// How far the log is known to go.
    #[must_use]
    pub fn position(&self) -> Position {
        *self.0.borrow()
    }

    /// Whoever knew how far the log goes has looked since, and it ends before that: it has been put back to an earlier
    /// state. Otherwise all who wait at its end would be sent to look at it again and again.
    pub fn went_back(&self, known: Position, to: Position) {
        self.0.send_if_modified(|now| {
            if *now == known {
                *now = to.min(known);
            }
            false
        });
    }

    /// Comes back when the log is known to go beyond a position, and in any case after a second.
    pub async fn beyond(&self, position: Position) {
        let mut known = self.0.subscribe();
        // Too late and gone are the same to whoever waits: she reads.
        drop(timeout(PATIENCE, known.wait_for(|known| *known > position)).await);
    }

    /// Waits for more than a position, however long that takes, and says how far it goes.
    pub async fn after(&self, position: Position) -> Position {
        let mut known = self.0.subscribe();
        let more = known.wait_for(|known| *known > position).await.map(|known| *known);
        match more {
            Ok(more) => more,
            // Its sender lives as long as this does.
            Err(_) => pending().await,
        }
    }
}

impl Default for KnownHead {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(Position::START)))
    }
}
