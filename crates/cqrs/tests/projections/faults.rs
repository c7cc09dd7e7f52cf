//! A store under which the ground gives way at a chosen step: it fails before the step, or after it, or never answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use eventstore::{
    AggregateId, Append, AppendError, Appended, ClaimKey, Deadline, EventPage, EventQuery, EventStore, Fence,
    Generation, Head, HeldAppends, InlineTable, Lease, LogId, Parked, Position, ProjectionBatch,
    ProjectionError, ProjectionLayout, ProjectionStore, ProjectionTable, ReadError, RecordedEvent,
    RequestKey, RequestRecord, Row, Select, Slot, StoreSize, StoreStats, StreamCursor, Stretch, Value,
    Version, Warning, Wish,
};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// How a step goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It is not taken.
    Before,
    /// It is taken, and nobody hears of it.
    After,
    /// Nobody hears of anything any more.
    Death,
}

/// A store whose step number `at` goes wrong.
#[derive(Debug)]
pub(crate) struct Faulty {
    store: Arc<dyn EventStore>,
    at: u64,
    fault: Fault,
    steps: AtomicU64,
    /// Set when it is dead.
    pub(crate) died: CancellationToken,
}

impl Faulty {
    pub(crate) fn new(store: Arc<dyn EventStore>, at: u64, fault: Fault) -> Arc<Self> {
        Arc::new(Self { store, at, fault, steps: AtomicU64::new(0), died: CancellationToken::new() })
    }

    /// How many steps there were.
    pub(crate) fn steps(&self) -> u64 {
        self.steps.load(Ordering::Relaxed)
    }

    async fn step<T, X: From<ReadError>>(&self, step: impl Future<Output = Result<T, X>>) -> Result<T, X> {
        let gone = || X::from(ReadError::StoreDown("the ground gave way".into()));
        if self.died.is_cancelled() {
            return std::future::pending().await;
        }
        match self.fault {
            _ if self.steps.fetch_add(1, Ordering::Relaxed) != self.at => step.await,
            Fault::Before => Err(gone()),
            Fault::After => step.await.and_then(|_| Err(gone())),
            Fault::Death => {
                // What was asked for last may still be done.
                step.await.ok();
                self.died.cancel();
                std::future::pending().await
            }
        }
    }
}

#[async_trait]
impl EventStore for Faulty {
    fn log_id(&self) -> LogId {
        self.store.log_id()
    }
    async fn append(&self, append: Append, deadline: Deadline) -> Result<Appended, AppendError> {
        self.store.append(append, deadline).await
    }
    fn writes(&self, table: &'static InlineTable) -> &'static InlineTable {
        self.store.writes(table)
    }
    async fn stream(
        &self,
        id: AggregateId,
        after: Version,
        limit: u32,
    ) -> Result<Vec<RecordedEvent>, ReadError> {
        self.step(self.store.stream(id, after, limit)).await
    }
    async fn stream_head(&self, id: AggregateId) -> Result<Option<RecordedEvent>, ReadError> {
        self.step(self.store.stream_head(id)).await
    }
    async fn events(&self, query: &EventQuery) -> Result<EventPage, ReadError> {
        self.step(self.store.events(query)).await
    }
    async fn streams(
        &self,
        after: Option<StreamCursor>,
        up_to: Position,
        limit: u32,
    ) -> Result<Vec<RecordedEvent>, ReadError> {
        self.step(self.store.streams(after, up_to, limit)).await
    }
    async fn beyond(&self, position: Position) {
        self.store.beyond(position).await;
    }
    fn projections(&self) -> &dyn ProjectionStore {
        self
    }
    async fn size(&self) -> Result<StoreSize, ReadError> {
        self.store.size().await
    }
    async fn head(&self) -> Result<Head, ReadError> {
        self.step(self.store.head()).await
    }
    async fn position_at(&self, moment: Timestamp) -> Result<Position, ReadError> {
        self.store.position_at(moment).await
    }
    async fn claim_owner(&self, key: ClaimKey) -> Result<Option<AggregateId>, ReadError> {
        self.store.claim_owner(key).await
    }
    async fn claims(
        &self,
        after: Option<ClaimKey>,
        limit: u32,
    ) -> Result<Vec<(ClaimKey, AggregateId)>, ReadError> {
        self.store.claims(after, limit).await
    }
    async fn request(&self, key: RequestKey) -> Result<Option<RequestRecord>, ReadError> {
        self.store.request(key).await
    }
    async fn prune_requests(
        &self,
        before: Position,
        after: Option<RequestKey>,
        limit: u32,
    ) -> Result<Option<RequestKey>, ReadError> {
        self.store.prune_requests(before, after, limit).await
    }
    async fn select(&self, query: &'static Select, parameters: &[Value]) -> Result<Vec<Row>, ReadError> {
        self.store.select(query, parameters).await
    }
    async fn execute(&self, statement: &'static str, parameters: &[Value]) -> Result<u64, ReadError> {
        self.store.execute(statement, parameters).await
    }
    fn stats(&self) -> StoreStats {
        self.store.stats()
    }
    async fn warnings(&self) -> Vec<Warning> {
        self.store.warnings().await
    }
    fn accept_clock(&self) {
        self.store.accept_clock();
    }
    async fn close(&self) {
        self.store.close().await;
    }
}

#[async_trait]
impl ProjectionStore for Faulty {
    async fn declare(&self, layouts: &[&'static ProjectionLayout]) -> Result<(), ProjectionError> {
        self.step(self.store.projections().declare(layouts)).await
    }
    async fn generations(&self) -> Result<Vec<Generation>, ProjectionError> {
        self.step(self.store.projections().generations()).await
    }
    async fn lease(
        &self,
        projection: &str,
        holder: Uuid,
        label: &str,
        ttl: Duration,
    ) -> Result<Option<Fence>, ProjectionError> {
        self.step(self.store.projections().lease(projection, holder, label, ttl)).await
    }
    async fn release(&self, projection: &str, fence: Fence) -> Result<(), ProjectionError> {
        self.step(self.store.projections().release(projection, fence)).await
    }
    async fn leases(&self) -> Result<Vec<Lease>, ProjectionError> {
        self.step(self.store.projections().leases()).await
    }
    async fn states(
        &self,
        table: &'static ProjectionTable,
        slot: Slot,
        streams: &[AggregateId],
    ) -> Result<Vec<Row>, ProjectionError> {
        self.step(self.store.projections().states(table, slot, streams)).await
    }
    async fn inline_rows(
        &self,
        table: &'static InlineTable,
        streams: &[AggregateId],
    ) -> Result<Vec<Row>, ProjectionError> {
        self.step(self.store.projections().inline_rows(table, streams)).await
    }
    async fn rows_after(
        &self,
        table: &'static ProjectionTable,
        slot: Slot,
        after: Option<&Row>,
        limit: u32,
    ) -> Result<Vec<Row>, ProjectionError> {
        self.step(self.store.projections().rows_after(table, slot, after, limit)).await
    }
    async fn containing(
        &self,
        table: &'static ProjectionTable,
        column: &'static str,
        text: &str,
        limit: u32,
    ) -> Result<Option<Vec<Row>>, ProjectionError> {
        self.step(self.store.projections().containing(table, column, text, limit)).await
    }
    async fn containing_along(
        &self,
        table: &'static ProjectionTable,
        column: &'static str,
        text: &str,
        stretch: Stretch,
        limit: u32,
    ) -> Result<Option<Vec<Row>>, ProjectionError> {
        self.step(self.store.projections().containing_along(table, column, text, stretch, limit)).await
    }
    async fn apply(&self, batch: ProjectionBatch) -> Result<Duration, ProjectionError> {
        self.step(self.store.projections().apply(batch)).await
    }
    async fn begin(
        &self,
        layout: &'static ProjectionLayout,
        fence: Fence,
        up_to: Position,
    ) -> Result<Generation, ProjectionError> {
        self.step(self.store.projections().begin(layout, fence, up_to)).await
    }
    async fn walked(
        &self,
        layout: &'static ProjectionLayout,
        slot: Slot,
        fence: Fence,
    ) -> Result<(), ProjectionError> {
        self.step(self.store.projections().walked(layout, slot, fence)).await
    }
    async fn swap(
        &self,
        layout: &'static ProjectionLayout,
        fence: Fence,
        slot: Slot,
    ) -> Result<(), ProjectionError> {
        self.step(self.store.projections().swap(layout, fence, slot)).await
    }
    async fn retire(
        &self,
        layout: &'static ProjectionLayout,
        fence: Fence,
        slot: Slot,
    ) -> Result<(), ProjectionError> {
        self.step(self.store.projections().retire(layout, fence, slot)).await
    }
    async fn pause(
        &self,
        projection: &str,
        fence: Fence,
        slot: Slot,
        reason: Option<&str>,
    ) -> Result<(), ProjectionError> {
        self.step(self.store.projections().pause(projection, fence, slot, reason)).await
    }
    async fn parked(
        &self,
        projection: &str,
        slot: Slot,
        stream: Option<AggregateId>,
        after: Position,
        limit: u32,
    ) -> Result<Vec<Parked>, ProjectionError> {
        self.step(self.store.projections().parked(projection, slot, stream, after, limit)).await
    }
    async fn wish(&self, projection: &str, wish: &str) -> Result<u64, ProjectionError> {
        self.store.projections().wish(projection, wish).await
    }
    async fn wishes(&self) -> Result<Vec<Wish>, ProjectionError> {
        self.step(self.store.projections().wishes()).await
    }
    async fn answer(
        &self,
        projection: &str,
        fence: Fence,
        ticket: u64,
        answer: &str,
    ) -> Result<(), ProjectionError> {
        self.step(self.store.projections().answer(projection, fence, ticket, answer)).await
    }
    async fn hold_appends(&self) -> Result<Box<dyn HeldAppends>, ProjectionError> {
        self.step(self.store.projections().hold_appends()).await
    }
}
