//! Projections in this store: each step one transaction, on connections that are not those of the reads.
//!
//! What is promised stands in the port.

mod catalog;
mod lease;
mod table;
mod text;
mod apply;
mod copy;
mod generation;
mod parked;
mod wish;
mod held;
mod tries;

use std::time::{Duration, Instant};

use async_trait::async_trait;
use deadpool_postgres::Object;
use eventstore::{
    AggregateId, Clock, Fence, Generation, HeldAppends, InlineTable, Lease, LogId, Parked, Position,
    ProjectionBatch, ProjectionError, ProjectionLayout, ProjectionStore, ProjectionTable, ReadError, Row,
    Slot, Stretch, Wish,
};
use uuid::Uuid;

use self::catalog::Step;
pub(crate) use self::generation::wait_for_indexes;
use self::held::Held;
#[cfg(test)]
pub(crate) use self::table::examples;
use self::tries::Tries;
use crate::Store;
use crate::read::failed;
use crate::row::Moment;

impl Store {
    /// What the clock shows, if it is the tests'.
    fn now(&self) -> Option<Moment> {
        self.clock.as_ref().map(Clock::now).map(Moment::from)
    }
}

/// Begins a step. It ends with its commit; dropped before, nothing of it happens.
async fn step(client: &mut Object, log_id: LogId, now: Option<Moment>) -> Result<Step<'_>, ReadError> {
    let transaction = client.transaction().await.map_err(failed)?;
    Ok(Step { transaction, log_id, now })
}

#[async_trait]
impl ProjectionStore for Store {
    async fn declare(&self, layouts: &[&'static ProjectionLayout]) -> Result<(), ProjectionError> {
        let mut client = self.stepping()?.client().await?;
        let step = step(&mut client, self.log_id, self.now()).await?;
        for layout in layouts {
            catalog::declare(&step, layout).await?;
        }
        Ok(step.commit().await?)
    }

    async fn generations(&self) -> Result<Vec<Generation>, ProjectionError> {
        catalog::generations(&self.reader, self.log_id).await
    }

    async fn lease(
        &self,
        projection: &str,
        holder: Uuid,
        label: &str,
        ttl: Duration,
    ) -> Result<Option<Fence>, ProjectionError> {
        lease::lease(self.stepping()?, self.now(), projection, holder, label, ttl).await
    }

    async fn release(&self, projection: &str, fence: Fence) -> Result<(), ProjectionError> {
        lease::release(self.stepping()?, projection, fence).await
    }

    async fn leases(&self) -> Result<Vec<Lease>, ProjectionError> {
        lease::leases(&self.reader, self.now()).await
    }

    async fn states(
        &self,
        table: &'static ProjectionTable,
        slot: Slot,
        streams: &[AggregateId],
    ) -> Result<Vec<Row>, ProjectionError> {
        table::states(&self.reader, table, slot, streams).await
    }

    async fn inline_rows(
        &self,
        table: &'static InlineTable,
        streams: &[AggregateId],
    ) -> Result<Vec<Row>, ProjectionError> {
        table::inline_rows(&self.reader, table, streams).await
    }

    async fn rows_after(
        &self,
        table: &'static ProjectionTable,
        slot: Slot,
        after: Option<&Row>,
        limit: u32,
    ) -> Result<Vec<Row>, ProjectionError> {
        table::rows_after(&self.reader, table, slot, after, limit).await
    }

    async fn containing(
        &self,
        table: &'static ProjectionTable,
        column: &'static str,
        text: &str,
        limit: u32,
    ) -> Result<Option<Vec<Row>>, ProjectionError> {
        text::containing(&self.reader, table, column, text, limit).await
    }

    async fn containing_along(
        &self,
        table: &'static ProjectionTable,
        column: &'static str,
        text: &str,
        stretch: Stretch,
        limit: u32,
    ) -> Result<Option<Vec<Row>>, ProjectionError> {
        text::containing_along(&self.reader, table, column, text, stretch, limit).await
    }

    async fn apply(&self, batch: ProjectionBatch) -> Result<Duration, ProjectionError> {
        let mut client = self.stepping()?.client().await?;
        let begun = Instant::now();
        apply::apply(step(&mut client, self.log_id, self.now()).await?, &batch).await?;
        Ok(begun.elapsed())
    }

    async fn begin(
        &self,
        layout: &'static ProjectionLayout,
        fence: Fence,
        up_to: Position,
    ) -> Result<Generation, ProjectionError> {
        let mut client = self.stepping()?.client().await?;
        generation::begin(step(&mut client, self.log_id, self.now()).await?, layout, fence, up_to).await
    }

    async fn walked(
        &self,
        layout: &'static ProjectionLayout,
        slot: Slot,
        fence: Fence,
    ) -> Result<(), ProjectionError> {
        let mut client = self.stepping()?.client().await?;
        generation::walked(step(&mut client, self.log_id, self.now()).await?, layout, slot, fence).await
    }

    async fn swap(
        &self,
        layout: &'static ProjectionLayout,
        fence: Fence,
        slot: Slot,
    ) -> Result<(), ProjectionError> {
        let mut client = self.stepping()?.client().await?;
        let mut tries = Tries::default();
        loop {
            let step = step(&mut client, self.log_id, self.now()).await?;
            if generation::swap(step, layout, fence, slot).await? {
                return Ok(());
            }
            tries.again().await?;
        }
    }

    async fn retire(
        &self,
        layout: &'static ProjectionLayout,
        fence: Fence,
        slot: Slot,
    ) -> Result<(), ProjectionError> {
        let mut client = self.stepping()?.client().await?;
        generation::retire(step(&mut client, self.log_id, self.now()).await?, layout, fence, slot).await
    }

    async fn pause(
        &self,
        projection: &str,
        fence: Fence,
        slot: Slot,
        reason: Option<&str>,
    ) -> Result<(), ProjectionError> {
        let mut client = self.stepping()?.client().await?;
        let step = step(&mut client, self.log_id, self.now()).await?;
        catalog::pause(&step, projection, fence, slot, reason).await?;
        Ok(step.commit().await?)
    }

    async fn parked(
        &self,
        projection: &str,
        slot: Slot,
        stream: Option<AggregateId>,
        after: Position,
        limit: u32,
    ) -> Result<Vec<Parked>, ProjectionError> {
        parked::parked(&self.reader, projection, slot, stream, after, limit).await
    }

    async fn wish(&self, projection: &str, wish: &str) -> Result<u64, ProjectionError> {
        wish::wish(self.stepping()?, self.now(), projection, wish).await
    }

    async fn wishes(&self) -> Result<Vec<Wish>, ProjectionError> {
        wish::wishes(&self.reader).await
    }

    async fn answer(
        &self,
        projection: &str,
        fence: Fence,
        ticket: u64,
        answer: &str,
    ) -> Result<(), ProjectionError> {
        let mut client = self.stepping()?.client().await?;
        let step = step(&mut client, self.log_id, self.now()).await?;
        wish::answer(&step, projection, fence, ticket, answer).await?;
        Ok(step.commit().await?)
    }

    async fn hold_appends(&self) -> Result<Box<dyn HeldAppends>, ProjectionError> {
        Ok(Box::new(Held::take(self.stepping()?.client().await?, self.log_id, self.now()).await?))
    }
}
