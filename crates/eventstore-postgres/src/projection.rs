//! Projections in this store: see the port.

use std::time::Duration;

use async_trait::async_trait;
use eventstore::{
    AggregateId, Fence, Generation, HeldAppends, InlineTable, Lease, Parked, Position, ProjectionBatch,
    ProjectionError, ProjectionLayout, ProjectionStore, ProjectionTable, ReadError, Row, Slot, Wish,
};
use uuid::Uuid;

use crate::Store;

fn not_yet<T>() -> Result<T, ProjectionError> {
    Err(ReadError::Malformed("not yet".into()).into())
}

#[async_trait]
impl ProjectionStore for Store {
    async fn declare(&self, _: &[&'static ProjectionLayout]) -> Result<(), ProjectionError> {
        not_yet()
    }
    async fn generations(&self) -> Result<Vec<Generation>, ProjectionError> {
        not_yet()
    }
    async fn lease(&self, _: &str, _: Uuid, _: &str, _: Duration) -> Result<Option<Fence>, ProjectionError> {
        not_yet()
    }
    async fn release(&self, _: &str, _: Fence) -> Result<(), ProjectionError> {
        not_yet()
    }
    async fn leases(&self) -> Result<Vec<Lease>, ProjectionError> {
        not_yet()
    }
    async fn states(
        &self,
        _: &'static ProjectionTable,
        _: Slot,
        _: &[AggregateId],
    ) -> Result<Vec<Row>, ProjectionError> {
        not_yet()
    }
    async fn inline_rows(
        &self,
        _: &'static InlineTable,
        _: &[AggregateId],
    ) -> Result<Vec<Row>, ProjectionError> {
        not_yet()
    }
    async fn rows_after(
        &self,
        _: &'static ProjectionTable,
        _: Slot,
        _: Option<&Row>,
        _: u32,
    ) -> Result<Vec<Row>, ProjectionError> {
        not_yet()
    }
    async fn apply(&self, _: ProjectionBatch) -> Result<(), ProjectionError> {
        not_yet()
    }
    async fn begin(
        &self,
        _: &'static ProjectionLayout,
        _: Fence,
        _: Position,
    ) -> Result<Generation, ProjectionError> {
        not_yet()
    }
    async fn walked(&self, _: &'static ProjectionLayout, _: Slot, _: Fence) -> Result<(), ProjectionError> {
        not_yet()
    }
    async fn swap(&self, _: &'static ProjectionLayout, _: Fence, _: Slot) -> Result<(), ProjectionError> {
        not_yet()
    }
    async fn retire(&self, _: &'static ProjectionLayout, _: Fence, _: Slot) -> Result<(), ProjectionError> {
        not_yet()
    }
    async fn pause(&self, _: &str, _: Fence, _: Slot, _: Option<&str>) -> Result<(), ProjectionError> {
        not_yet()
    }
    async fn parked(
        &self,
        _: &str,
        _: Slot,
        _: Option<AggregateId>,
        _: Position,
        _: u32,
    ) -> Result<Vec<Parked>, ProjectionError> {
        not_yet()
    }
    async fn wish(&self, _: &str, _: &str) -> Result<u64, ProjectionError> {
        not_yet()
    }
    async fn wishes(&self) -> Result<Vec<Wish>, ProjectionError> {
        not_yet()
    }
    async fn answer(&self, _: &str, _: Fence, _: u64, _: &str) -> Result<(), ProjectionError> {
        not_yet()
    }
    async fn hold_appends(&self) -> Result<Box<dyn HeldAppends>, ProjectionError> {
        not_yet()
    }
}
