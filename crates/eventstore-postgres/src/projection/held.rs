//! Appends that wait: the append lock in the hands of a session that does not append.
//!
//! A statement that waits for the append lock holds locks on the tables that it will write. So whoever holds the appends
//! first sends away those that wait, by a lock that they try and do not wait for: see `head_locked`.

use std::fmt;

use async_trait::async_trait;
use deadpool_postgres::Object;
use eventstore::{Fence, HeldAppends, LogId, ProjectionError, ProjectionLayout, ReadError, Slot};

use super::catalog::Step;
use super::generation;
use super::tries::Tries;
use crate::read::failed;
use crate::row::Moment;

/// Whoever forgets about it, or dies, is cut off by the server.
const PATIENCE: &str = "SET idle_session_timeout = '5s'";

const HOLD: &str = "SELECT pg_advisory_lock(hashtextextended('hold of ' || current_schema(), 0)); \
    SELECT pg_advisory_lock(hashtextextended(current_schema(), 0))";

/// A session that holds the appends of all instances. Dropping it cuts the connection, and the locks with it.
pub(super) struct Held {
    client: Option<Object>,
    log_id: LogId,
    now: Option<Moment>,
}

impl Held {
    pub(super) async fn take(
        client: Object,
        log_id: LogId,
        now: Option<Moment>,
    ) -> Result<Self, ProjectionError> {
        let held = Self { client: Some(client), log_id, now };
        if let Some(client) = &held.client {
            client.batch_execute(PATIENCE).await.map_err(failed)?;
            client.batch_execute(HOLD).await.map_err(failed)?;
        }
        Ok(held)
    }

    async fn step(&mut self) -> Result<Step<'_>, ReadError> {
        let client = self.client.as_mut().ok_or_else(|| ReadError::StoreDown("it has been let go".into()))?;
        let transaction = client.transaction().await.map_err(failed)?;
        Ok(Step { transaction, log_id: self.log_id, now: self.now })
    }
}

#[async_trait]
impl HeldAppends for Held {
    async fn swap(
        mut self: Box<Self>,
        layout: &'static ProjectionLayout,
        fence: Fence,
        slot: Slot,
        writes: Option<String>,
    ) -> Result<(), ProjectionError> {
        let mut tries = Tries::default();
        loop {
            let step = self.step().await?;
            if generation::swap_inline(step, layout, fence, slot, writes.as_deref()).await? {
                return Ok(());
            }
            tries.again().await?;
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // Not back into the pool: it holds locks.
        drop(self.client.take().map(Object::take));
    }
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Held").finish_non_exhaustive()
    }
}
