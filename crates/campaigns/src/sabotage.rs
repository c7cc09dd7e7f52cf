//! Controls that stand between the product and its store. Each breaks one promise of the port, the rest goes through.
//!
//! Nothing of it can be reached from the shipped binary: it is linked into the campaigns alone.

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use eventstore::{
    AggregateId, Append, AppendError, Appended, ClaimKey, Deadline, EventPage, EventQuery, EventStore, Head,
    InlineTable, LogId, Position, ProjectionStore, ReadError, RecordedEvent, RequestKey, RequestRecord, Row,
    Select, StoreSize, StoreStats, StreamCursor, Value, Version, Warning,
};
use jiff::Timestamp;

/// What a control does differently. Whatever it leaves alone is done by the store.
#[async_trait]
pub(crate) trait Sabotage: Debug + Send + Sync + 'static {
    async fn append(
        &self,
        store: &dyn EventStore,
        append: Append,
        deadline: Deadline,
    ) -> Result<Appended, AppendError> {
        store.append(append, deadline).await
    }

    async fn events(&self, store: &dyn EventStore, query: &EventQuery) -> Result<EventPage, ReadError> {
        store.events(query).await
    }

    async fn select(
        &self,
        store: &dyn EventStore,
        query: &'static Select,
        parameters: &[Value],
    ) -> Result<Vec<Row>, ReadError> {
        store.select(query, parameters).await
    }

    async fn position_at(&self, store: &dyn EventStore, moment: Timestamp) -> Result<Position, ReadError> {
        store.position_at(moment).await
    }

    fn projections<'a>(&'a self, store: &'a dyn EventStore) -> &'a dyn ProjectionStore {
        store.projections()
    }
}

/// A store under a control.
#[derive(Debug)]
pub(crate) struct Sabotaged<S> {
    pub(crate) store: Arc<dyn EventStore>,
    pub(crate) by: S,
}

#[async_trait]
impl<S: Sabotage> EventStore for Sabotaged<S> {
    fn log_id(&self) -> LogId {
        self.store.log_id()
    }

    async fn append(&self, append: Append, deadline: Deadline) -> Result<Appended, AppendError> {
        self.by.append(&*self.store, append, deadline).await
    }

    fn writes(&self, table: &'static InlineTable) -> &'static InlineTable {
        self.store.writes(table)
    }

    async fn stream(
        &self,
        aggregate_id: AggregateId,
        after: Version,
        limit: u32,
    ) -> Result<Vec<RecordedEvent>, ReadError> {
        self.store.stream(aggregate_id, after, limit).await
    }

    async fn stream_head(&self, aggregate_id: AggregateId) -> Result<Option<RecordedEvent>, ReadError> {
        self.store.stream_head(aggregate_id).await
    }

    async fn events(&self, query: &EventQuery) -> Result<EventPage, ReadError> {
        self.by.events(&*self.store, query).await
    }

    async fn streams(
        &self,
        after: Option<StreamCursor>,
        up_to: Position,
        limit: u32,
    ) -> Result<Vec<RecordedEvent>, ReadError> {
        self.store.streams(after, up_to, limit).await
    }

    async fn beyond(&self, position: Position) {
        self.store.beyond(position).await;
    }

    fn projections(&self) -> &dyn ProjectionStore {
        self.by.projections(&*self.store)
    }

    async fn size(&self) -> Result<StoreSize, ReadError> {
        self.store.size().await
    }

    async fn head(&self) -> Result<Head, ReadError> {
        self.store.head().await
    }

    async fn position_at(&self, moment: Timestamp) -> Result<Position, ReadError> {
        self.by.position_at(&*self.store, moment).await
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
        self.by.select(&*self.store, query, parameters).await
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
