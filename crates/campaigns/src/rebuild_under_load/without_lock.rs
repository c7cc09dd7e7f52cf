//! The control: a table is renamed away before the other takes its name, and nothing keeps readers out in between.

use std::time::Duration;

use async_trait::async_trait;
use eventstore::{Fence, ProjectionError, ProjectionLayout, ProjectionStore, ReadError, Slot};
use tokio::time::sleep;
use tokio_postgres::Client;

use crate::tampered::Tamper;

const BETWEEN: Duration = Duration::from_millis(100);

/// Swaps in two steps, where it has a connection to do so.
#[derive(Debug)]
pub(super) struct WithoutLock(pub(super) Option<Client>);

#[async_trait]
impl Tamper for WithoutLock {
    async fn swap(
        &self,
        store: &dyn ProjectionStore,
        layout: &'static ProjectionLayout,
        fence: Fence,
        slot: Slot,
    ) -> Result<(), ProjectionError> {
        if let Some(owner) = &self.0 {
            let (live, away) = (layout.tables[0].name, "renamed_away");
            rename(owner, live, away).await?;
            sleep(BETWEEN).await;
            rename(owner, away, live).await?;
        }
        store.swap(layout, fence, slot).await
    }
}

async fn rename(owner: &Client, from: &str, to: &str) -> Result<(), ReadError> {
    let statement = format!("ALTER TABLE user_service.{from} RENAME TO {to}");
    owner.batch_execute(&statement).await.map_err(|error| ReadError::StoreDown(error.into()))
}
