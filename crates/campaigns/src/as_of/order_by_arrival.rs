//! The control: a time names the events that had arrived by then, and not those that the log had taken.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use eventstore::{Append, AppendError, Appended, Clock, Deadline, EventStore, Position, ReadError};
use jiff::Timestamp;

use crate::sabotage::Sabotage;

/// Notes when each append comes to it, which is not the order in which they are committed.
#[derive(Debug)]
pub(super) struct OrderByArrival {
    clock: Clock,
    arrived: Mutex<Vec<(Timestamp, Position)>>,
}

impl OrderByArrival {
    pub(super) fn new(clock: Clock) -> Self {
        Self { clock, arrived: Mutex::default() }
    }
}

#[async_trait]
impl Sabotage for OrderByArrival {
    async fn append(
        &self,
        store: &dyn EventStore,
        append: Append,
        deadline: Deadline,
    ) -> Result<Appended, AppendError> {
        let now = self.clock.now();
        let appended = store.append(append, deadline).await?;
        self.arrived.lock().unwrap_or_else(PoisonError::into_inner).push((now, appended.position));
        Ok(appended)
    }

    async fn position_at(&self, _: &dyn EventStore, moment: Timestamp) -> Result<Position, ReadError> {
        let arrived = self.arrived.lock().unwrap_or_else(PoisonError::into_inner);
        let by_then = arrived.iter().filter(|(time, _)| *time <= moment);
        Ok(by_then.map(|(_, position)| *position).max().unwrap_or(Position::START))
    }
}
