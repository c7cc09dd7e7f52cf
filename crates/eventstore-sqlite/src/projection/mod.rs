//! Projections in this store: each step one transaction of the one writer, between two batches of appends.
//!
//! Reads of them go to the readers, as all reads do. What is promised stands in the port.

mod catalog;
mod lease;
mod table;
mod postings;
mod trigrams;
mod text;
mod apply;
mod generation;
mod schema;
mod parked;
mod wish;
mod held;

use std::time::{Duration, Instant};

use async_trait::async_trait;
use eventstore::append_task::AppendQueue;
use eventstore::{
    AggregateId, Fence, Generation, HeldAppends, InlineTable, Lease, Parked, Position, ProjectionBatch,
    ProjectionError, ProjectionLayout, ProjectionStore, ProjectionTable, ReadError, Row, Slot, Stretch, Wish,
};
use rusqlite::Connection;
use uuid::Uuid;

use crate::Store;
use crate::writer::Writer;

pub(crate) use catalog::Step;
pub(crate) use table::erase;

/// For the test that looks at their plans: those that find their rows by a key, and those that look through the few rows
/// of a small table.
#[cfg(test)]
pub(crate) fn statements() -> (Vec<String>, Vec<&'static str>) {
    let fixed = [
        catalog::STATEMENTS,
        lease::STATEMENTS,
        wish::STATEMENTS,
        parked::STATEMENTS,
        generation::STATEMENTS,
    ];
    let by_key = fixed.concat().into_iter().map(str::to_owned);
    let by_key = by_key.chain(table::examples()).chain(trigrams::examples()).chain(text::examples());
    let small = [catalog::SMALL, table::SMALL, generation::SMALL, &[lease::ALL, wish::ALL]];
    (by_key.collect(), small.concat())
}

/// One step on the writer.
async fn take<T: Send + 'static>(
    queue: &AppendQueue<Writer>,
    step: impl FnOnce(&Step<'_>) -> Result<T, ProjectionError> + Send + 'static,
) -> Result<T, ProjectionError> {
    let taken = queue.run_job(|writer| writer.step(step)).await;
    taken.map_err(|error| ReadError::StoreDown(Box::new(error)))?
}

/// One that may be lost with the power.
async fn take_losable<T: Send + 'static>(
    queue: &AppendQueue<Writer>,
    step: impl FnOnce(&Step<'_>) -> Result<T, ProjectionError> + Send + 'static,
) -> Result<T, ProjectionError> {
    let taken = queue.run_job(|writer| writer.losable_step(step)).await;
    taken.map_err(|error| ReadError::StoreDown(Box::new(error)))?
}

impl Store {
    async fn step<T: Send + 'static>(
        &self,
        step: impl FnOnce(&Step<'_>) -> Result<T, ProjectionError> + Send + 'static,
    ) -> Result<T, ProjectionError> {
        take(self.writing()?, step).await
    }

    async fn losable_step<T: Send + 'static>(
        &self,
        step: impl FnOnce(&Step<'_>) -> Result<T, ProjectionError> + Send + 'static,
    ) -> Result<T, ProjectionError> {
        take_losable(self.writing()?, step).await
    }

    fn look<T>(
        &self,
        look: impl FnOnce(&Connection) -> Result<T, ProjectionError>,
    ) -> Result<T, ProjectionError> {
        // The pool looks at the kind of a read's error, to tell whether the connection can be used again.
        let looked = self.readers().read(|connection| match look(connection) {
            Ok(found) => Ok(Ok(found)),
            Err(ProjectionError::Store(error)) => Err(error),
            Err(other) => Ok(Err(other)),
        });
        looked?
    }
}

#[async_trait]
impl ProjectionStore for Store {
    async fn declare(&self, layouts: &[&'static ProjectionLayout]) -> Result<(), ProjectionError> {
        let layouts = layouts.to_vec();
        self.step(move |step| catalog::declare(step, &layouts)).await?;
        generation::sweep(self.writing()?).await;
        Ok(())
    }

    async fn generations(&self) -> Result<Vec<Generation>, ProjectionError> {
        self.look(|connection| catalog::generations(connection, self.log()))
    }

    async fn lease(
        &self,
        projection: &str,
        holder: Uuid,
        label: &str,
        ttl: Duration,
    ) -> Result<Option<Fence>, ProjectionError> {
        let (projection, label) = (projection.to_owned(), label.to_owned());
        // A failure that takes it back has taken its holder before.
        self.losable_step(move |step| lease::lease(step, &projection, holder, &label, ttl)).await
    }

    async fn release(&self, projection: &str, fence: Fence) -> Result<(), ProjectionError> {
        let projection = projection.to_owned();
        self.step(move |step| lease::release(step, &projection, fence)).await
    }

    async fn leases(&self) -> Result<Vec<Lease>, ProjectionError> {
        self.look(|connection| lease::leases(connection, self.now()))
    }

    async fn states(
        &self,
        table: &'static ProjectionTable,
        slot: Slot,
        streams: &[AggregateId],
    ) -> Result<Vec<Row>, ProjectionError> {
        self.look(|connection| table::states(connection, table, slot, streams))
    }

    async fn inline_rows(
        &self,
        table: &'static InlineTable,
        streams: &[AggregateId],
    ) -> Result<Vec<Row>, ProjectionError> {
        self.look(|connection| table::inline_rows(connection, table, streams))
    }

    async fn rows_after(
        &self,
        table: &'static ProjectionTable,
        slot: Slot,
        after: Option<&Row>,
        limit: u32,
    ) -> Result<Vec<Row>, ProjectionError> {
        self.look(|connection| table::rows_after(connection, table, slot, after, limit))
    }

    async fn containing(
        &self,
        table: &'static ProjectionTable,
        column: &'static str,
        text: &str,
        limit: u32,
    ) -> Result<Option<Vec<Row>>, ProjectionError> {
        self.look(|connection| text::containing(connection, table, column, text, limit))
    }

    async fn containing_along(
        &self,
        table: &'static ProjectionTable,
        column: &'static str,
        text: &str,
        stretch: Stretch,
        limit: u32,
    ) -> Result<Option<Vec<Row>>, ProjectionError> {
        self.look(|connection| text::containing_along(connection, table, column, text, stretch, limit))
    }

    async fn apply(&self, batch: ProjectionBatch) -> Result<Duration, ProjectionError> {
        // What is parked, or parked no longer, waits for the disk: somebody was told.
        let losable = batch.park.is_empty() && batch.unpark.is_empty();
        let job = move |writer: &mut Writer| {
            let (begun, apply) = (Instant::now(), |step: &Step<'_>| apply::apply(step, &batch));
            if losable { writer.losable_step(apply) } else { writer.step(apply) }?;
            Ok(begun.elapsed())
        };
        let taken = self.writing()?.run_job(job).await;
        taken.map_err(|error| ReadError::StoreDown(Box::new(error)))?
    }

    async fn begin(
        &self,
        layout: &'static ProjectionLayout,
        fence: Fence,
        up_to: Position,
    ) -> Result<Generation, ProjectionError> {
        let begun = self.step(move |step| generation::begin(step, layout, fence, up_to)).await?;
        generation::sweep(self.writing()?).await;
        Ok(begun)
    }

    async fn walked(
        &self,
        layout: &'static ProjectionLayout,
        slot: Slot,
        fence: Fence,
    ) -> Result<(), ProjectionError> {
        self.step(move |step| generation::walked(step, layout, slot, fence)).await
    }

    async fn swap(
        &self,
        layout: &'static ProjectionLayout,
        fence: Fence,
        slot: Slot,
    ) -> Result<(), ProjectionError> {
        self.step(move |step| generation::swap_async(step, layout, fence, slot)).await?;
        generation::sweep(self.writing()?).await;
        Ok(())
    }

    async fn retire(
        &self,
        layout: &'static ProjectionLayout,
        fence: Fence,
        slot: Slot,
    ) -> Result<(), ProjectionError> {
        self.step(move |step| generation::retire(step, layout, fence, slot)).await?;
        generation::sweep(self.writing()?).await;
        Ok(())
    }

    async fn pause(
        &self,
        projection: &str,
        fence: Fence,
        slot: Slot,
        reason: Option<&str>,
    ) -> Result<(), ProjectionError> {
        let (projection, reason) = (projection.to_owned(), reason.map(str::to_owned));
        self.step(move |step| catalog::pause(step, &projection, fence, slot, reason.as_deref())).await
    }

    async fn parked(
        &self,
        projection: &str,
        slot: Slot,
        stream: Option<AggregateId>,
        after: Position,
        limit: u32,
    ) -> Result<Vec<Parked>, ProjectionError> {
        self.look(|connection| parked::parked(connection, projection, slot, stream, after, limit))
    }

    async fn wish(&self, projection: &str, wish: &str) -> Result<u64, ProjectionError> {
        let (projection, wish) = (projection.to_owned(), wish.to_owned());
        self.step(move |step| wish::wish(step, &projection, &wish)).await
    }

    async fn wishes(&self) -> Result<Vec<Wish>, ProjectionError> {
        self.look(wish::wishes)
    }

    async fn answer(
        &self,
        projection: &str,
        fence: Fence,
        ticket: u64,
        answer: &str,
    ) -> Result<(), ProjectionError> {
        let (projection, answer) = (projection.to_owned(), answer.to_owned());
        self.step(move |step| wish::answer(step, &projection, fence, ticket, &answer)).await
    }

    async fn hold_appends(&self) -> Result<Box<dyn HeldAppends>, ProjectionError> {
        held::hold(self.writing()?).await
    }
}
