//! Projections with something between them and the runner: an accident, or a control that breaks a promise of their port.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use eventstore::{
    AggregateId, EventStore, Fence, Generation, HeldAppends, InlineTable, Lease, Parked, Position,
    ProjectionBatch, ProjectionError, ProjectionLayout, ProjectionStore, ProjectionTable, Row, Slot, Stretch,
    Wish,
};
use uuid::Uuid;

use crate::sabotage::Sabotage;

/// What stands between. Whatever it leaves alone is done by the store.
#[async_trait]
pub(crate) trait Tamper: Debug + Send + Sync + 'static {
    /// Before each call.
    fn before(&self, _call: &'static str) -> Result<(), ProjectionError> {
        Ok(())
    }

    /// After each call that has succeeded.
    fn after(&self, _call: &'static str) -> Result<(), ProjectionError> {
        Ok(())
    }

    async fn rows_after(
        &self,
        store: &dyn ProjectionStore,
        table: &'static ProjectionTable,
        slot: Slot,
        after: Option<&Row>,
        limit: u32,
    ) -> Result<Vec<Row>, ProjectionError> {
        store.rows_after(table, slot, after, limit).await
    }

    async fn apply(
        &self,
        store: &dyn ProjectionStore,
        batch: ProjectionBatch,
    ) -> Result<Duration, ProjectionError> {
        store.apply(batch).await
    }

    async fn declare(
        &self,
        store: &dyn ProjectionStore,
        layouts: &[&'static ProjectionLayout],
    ) -> Result<(), ProjectionError> {
        store.declare(layouts).await
    }

    async fn swap(
        &self,
        store: &dyn ProjectionStore,
        layout: &'static ProjectionLayout,
        fence: Fence,
        slot: Slot,
    ) -> Result<(), ProjectionError> {
        store.swap(layout, fence, slot).await
    }
}

/// The projections of a store, tampered with.
#[derive(Debug)]
pub(crate) struct Tampered<T> {
    pub(crate) store: Arc<dyn EventStore>,
    pub(crate) by: Arc<T>,
}

impl<T: Tamper> Sabotage for Tampered<T> {
    fn projections<'a>(&'a self, _: &'a dyn EventStore) -> &'a dyn ProjectionStore {
        self
    }
}

/// One call of the store, with what comes before and after it.
macro_rules! through {
    ($self:ident, $name:literal, $call:expr) => {{
        $self.by.before($name)?;
        let answer = $call.await?;
        $self.by.after($name)?;
        Ok(answer)
    }};
}

#[async_trait]
impl<T: Tamper> ProjectionStore for Tampered<T> {
    async fn declare(&self, layouts: &[&'static ProjectionLayout]) -> Result<(), ProjectionError> {
        through!(self, "declare", self.by.declare(self.inner(), layouts))
    }

    async fn generations(&self) -> Result<Vec<Generation>, ProjectionError> {
        through!(self, "generations", self.inner().generations())
    }

    async fn lease(
        &self,
        projection: &str,
        holder: Uuid,
        label: &str,
        ttl: Duration,
    ) -> Result<Option<Fence>, ProjectionError> {
        through!(self, "lease", self.inner().lease(projection, holder, label, ttl))
    }

    async fn release(&self, projection: &str, fence: Fence) -> Result<(), ProjectionError> {
        through!(self, "release", self.inner().release(projection, fence))
    }

    async fn leases(&self) -> Result<Vec<Lease>, ProjectionError> {
        through!(self, "leases", self.inner().leases())
    }

    async fn states(
        &self,
        table: &'static ProjectionTable,
        slot: Slot,
        streams: &[AggregateId],
    ) -> Result<Vec<Row>, ProjectionError> {
        through!(self, "states", self.inner().states(table, slot, streams))
    }

    async fn containing(
        &self,
        table: &'static ProjectionTable,
        column: &'static str,
        text: &str,
        limit: u32,
    ) -> Result<Option<Vec<Row>>, ProjectionError> {
        through!(self, "containing", self.inner().containing(table, column, text, limit))
    }

    async fn containing_along(
        &self,
        table: &'static ProjectionTable,
        column: &'static str,
        text: &str,
        stretch: Stretch,
        limit: u32,
    ) -> Result<Option<Vec<Row>>, ProjectionError> {
        let found = self.inner().containing_along(table, column, text, stretch, limit);
        through!(self, "containing_along", found)
    }

    async fn inline_rows(
        &self,
        table: &'static InlineTable,
        streams: &[AggregateId],
    ) -> Result<Vec<Row>, ProjectionError> {
        self.inner().inline_rows(table, streams).await
    }

    async fn rows_after(
        &self,
        table: &'static ProjectionTable,
        slot: Slot,
        after: Option<&Row>,
        limit: u32,
    ) -> Result<Vec<Row>, ProjectionError> {
        through!(self, "rows_after", self.by.rows_after(self.inner(), table, slot, after, limit))
    }

    async fn apply(&self, batch: ProjectionBatch) -> Result<Duration, ProjectionError> {
        through!(self, "apply", self.by.apply(self.inner(), batch))
    }

    async fn begin(
        &self,
        layout: &'static ProjectionLayout,
        fence: Fence,
        up_to: Position,
    ) -> Result<Generation, ProjectionError> {
        through!(self, "begin", self.inner().begin(layout, fence, up_to))
    }

    async fn walked(
        &self,
        layout: &'static ProjectionLayout,
        slot: Slot,
        fence: Fence,
    ) -> Result<(), ProjectionError> {
        through!(self, "walked", self.inner().walked(layout, slot, fence))
    }

    async fn swap(
        &self,
        layout: &'static ProjectionLayout,
        fence: Fence,
        slot: Slot,
    ) -> Result<(), ProjectionError> {
        through!(self, "swap", self.by.swap(self.inner(), layout, fence, slot))
    }

    async fn retire(
        &self,
        layout: &'static ProjectionLayout,
        fence: Fence,
        slot: Slot,
    ) -> Result<(), ProjectionError> {
        through!(self, "retire", self.inner().retire(layout, fence, slot))
    }

    async fn pause(
        &self,
        projection: &str,
        fence: Fence,
        slot: Slot,
        reason: Option<&str>,
    ) -> Result<(), ProjectionError> {
        through!(self, "pause", self.inner().pause(projection, fence, slot, reason))
    }

    async fn parked(
        &self,
        projection: &str,
        slot: Slot,
        stream: Option<AggregateId>,
        after: Position,
        limit: u32,
    ) -> Result<Vec<Parked>, ProjectionError> {
        through!(self, "parked", self.inner().parked(projection, slot, stream, after, limit))
    }

    async fn wish(&self, projection: &str, wish: &str) -> Result<u64, ProjectionError> {
        through!(self, "wish", self.inner().wish(projection, wish))
    }

    async fn wishes(&self) -> Result<Vec<Wish>, ProjectionError> {
        through!(self, "wishes", self.inner().wishes())
    }

    async fn answer(
        &self,
        projection: &str,
        fence: Fence,
        ticket: u64,
        answer: &str,
    ) -> Result<(), ProjectionError> {
        through!(self, "answer", self.inner().answer(projection, fence, ticket, answer))
    }

    async fn hold_appends(&self) -> Result<Box<dyn HeldAppends>, ProjectionError> {
        self.by.before("hold_appends")?;
        let held = self.inner().hold_appends().await?;
        self.by.after("hold_appends")?;
        Ok(Box::new(TamperedHold { held, by: Arc::clone(&self.by) }))
    }
}

impl<T> Tampered<T> {
    fn inner(&self) -> &dyn ProjectionStore {
        self.store.projections()
    }
}

#[derive(Debug)]
struct TamperedHold<T> {
    held: Box<dyn HeldAppends>,
    by: Arc<T>,
}

#[async_trait]
impl<T: Tamper> HeldAppends for TamperedHold<T> {
    async fn swap(
        self: Box<Self>,
        layout: &'static ProjectionLayout,
        fence: Fence,
        slot: Slot,
        writes: Option<String>,
    ) -> Result<(), ProjectionError> {
        let Self { held, by } = *self;
        by.before("held swap")?;
        held.swap(layout, fence, slot, writes).await?;
        by.after("held swap")
    }
}
