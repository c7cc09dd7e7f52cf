//! The control: a process whose writes nothing refuses. What was on its way when it fell asleep is written when it wakes,
//! wherever the projection stands by then and whoever owns it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use eventstore::{EventStore, Progress, ProjectionBatch, ProjectionError, ProjectionStore, ReadError, Slot};
use tokio::time::sleep;

use crate::tampered::Tamper;

/// On its way for so long: whoever is stopped is stopped here.
const ON_ITS_WAY: Duration = Duration::from_millis(400);

/// Writes whatever the store says.
#[derive(Debug)]
pub(crate) struct NoFence(pub(crate) Arc<dyn EventStore>);

#[async_trait]
impl Tamper for NoFence {
    async fn apply(
        &self,
        _: &dyn ProjectionStore,
        batch: ProjectionBatch,
    ) -> Result<Duration, ProjectionError> {
        let store = Arc::clone(&self.0);
        // Nobody who loses interest in it calls it back.
        let written = tokio::spawn(async move {
            sleep(ON_ITS_WAY).await;
            let projections = store.projections();
            match projections.apply(batch.clone()).await {
                Err(ProjectionError::Fenced | ProjectionError::Moved) => force(projections, batch).await,
                answer => answer,
            }
        });
        written.await.map_err(|error| ReadError::StoreDown(error.into()))?
    }
}

/// With the right of whoever has it, from wherever the projection stands.
async fn force(store: &dyn ProjectionStore, batch: ProjectionBatch) -> Result<Duration, ProjectionError> {
    loop {
        let name = batch.layout.name;
        let lease = store.leases().await?.into_iter().find(|lease| lease.projection == name);
        let generations = store.generations().await?;
        let live = generations.into_iter().find(|it| it.projection == name && it.slot == Slot::Live);
        let (Some(lease), Some(live)) = (lease, live) else { return Err(ProjectionError::Missing) };
        let now = Progress { checkpoint: live.checkpoint, phase: live.phase };
        let (park, unpark) = (Vec::new(), Vec::new());
        let forced =
            ProjectionBatch { fence: lease.fence, from: now, to: now, park, unpark, ..batch.clone() };
        match store.apply(forced).await {
            Err(ProjectionError::Fenced | ProjectionError::Moved) => {}
            answer => return answer,
        }
    }
}
