//! The port for projections: their generations, who may write them, and what each step changes.
//!
//! Every write names the fence it was made under and the progress it goes on from; one that is out of date is refused,
//! so that a process that slept through the loss of its lease cannot write.

use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;
use thiserror::Error;
use uuid::Uuid;

use crate::{
    AggregateId, Fence, Generation, InlineTable, Lease, Parked, Position, ProjectionBatch, ProjectionLayout,
    ProjectionTable, ReadError, Row, Slot, Stretch, Wish,
};

/// Why a step of a projection was not taken. Nothing of it was.
#[derive(Debug, Error)]
pub enum ProjectionError {
    /// See its cause.
    #[error("the store cannot be asked")]
    Store(#[from] ReadError),
    /// Somebody else owns the projection now: stop writing, ask for a lease again.
    #[error("another process owns this projection now")]
    Fenced,
    /// The generation is not where the step goes on from: read where it is, go on from there.
    #[error("this generation is not where it was expected to be")]
    Moved,
    /// There is no such generation.
    #[error("there is no such generation of this projection")]
    Missing,
    /// The generation is behind the one that it is to replace: catch up first.
    #[error("this generation is behind the one that it is to replace")]
    Behind,
}

/// Projections beside the log. Absent is `Option` or an empty list, never an error.
#[async_trait]
pub trait ProjectionStore: Debug + Send + Sync {
    /// Makes projections known. One that is not gets its first generation, live, that walks up to the head; its tables
    /// are there, empty, by migration. An inline one has been written since the first append: its live generation is
    /// said to be tailing, and its checkpoint is always the head. Remembers which tables an erasure must touch.
    async fn declare(&self, layouts: &[&'static ProjectionLayout]) -> Result<(), ProjectionError>;

    /// Every generation of every projection, also of those that this binary does not know.
    async fn generations(&self) -> Result<Vec<Generation>, ProjectionError>;

    /// Takes the right to write a projection, or renews it. `None` if somebody else has it and it has not expired.
    /// Expiry is by the store's clock. The epoch grows when the holder changes, never when it stays.
    async fn lease(
        &self,
        projection: &str,
        holder: Uuid,
        label: &str,
        ttl: Duration,
    ) -> Result<Option<Fence>, ProjectionError>;

    /// Gives the right back, so that another process need not wait for its expiry. No error if it is lost already.
    async fn release(&self, projection: &str, fence: Fence) -> Result<(), ProjectionError>;

    /// Who owns what. Expired ones too.
    async fn leases(&self) -> Result<Vec<Lease>, ProjectionError>;

    /// For each of these streams the row with the greatest key, if there is one. In no order.
    async fn states(
        &self,
        table: &'static ProjectionTable,
        slot: Slot,
        streams: &[AggregateId],
    ) -> Result<Vec<Row>, ProjectionError>;

    /// The rows of an inline table for these streams, with a value for each column. In no order.
    async fn inline_rows(
        &self,
        table: &'static InlineTable,
        streams: &[AggregateId],
    ) -> Result<Vec<Row>, ProjectionError>;

    /// Rows of a table after a key, in the order of keys, at most `limit`: for comparisons of whole generations.
    async fn rows_after(
        &self,
        table: &'static ProjectionTable,
        slot: Slot,
        after: Option<&Row>,
        limit: u32,
    ) -> Result<Vec<Row>, ProjectionError>;

    /// Rows of the live generation in which a column holds a text somewhere, in no order. `None` if no index can tell, or if
    /// more than `limit` rows come into question: then they are found along another index, if at all.
    async fn containing(
        &self,
        table: &'static ProjectionTable,
        column: &'static str,
        text: &str,
        limit: u32,
    ) -> Result<Option<Vec<Row>>, ProjectionError>;

    /// The same rows in the order of their numbers, of those on a stretch of them the first `limit`: what this costs does
    /// not grow with the number of rows that hold the text. `None` if no index can tell, or if it names too many rows that do
    /// not hold the text after all.
    async fn containing_along(
        &self,
        table: &'static ProjectionTable,
        column: &'static str,
        text: &str,
        stretch: Stretch,
        limit: u32,
    ) -> Result<Option<Vec<Row>>, ProjectionError>;

    /// Takes one step: rows, parked events and progress in one transaction. What is personal in rows of streams without
    /// a row in the layout's `subjects` is gone when it commits, also against an erasure at the same time. Answers how long the
    /// store worked on it, which is less than the caller waited: others may have had their turns before.
    async fn apply(&self, batch: ProjectionBatch) -> Result<Duration, ProjectionError>;

    /// Begins another generation, `Next`, walking up to a position; an unfinished one goes.
    async fn begin(
        &self,
        layout: &'static ProjectionLayout,
        fence: Fence,
        up_to: Position,
    ) -> Result<Generation, ProjectionError>;

    /// The walk is over: indexes are made if they were put off, and the generation tails from its checkpoint.
    async fn walked(
        &self,
        layout: &'static ProjectionLayout,
        slot: Slot,
        fence: Fence,
    ) -> Result<(), ProjectionError>;

    /// Puts `Next` or `Prior` in the place of the live generation, which becomes `Prior`. Readers see the one or the
    /// other, never less. For an async projection [`ProjectionError::Behind`] if it stands behind the live one, unless
    /// that is paused: its checkpoint may be one that this log never had. An inline one is swapped through
    /// [`ProjectionStore::hold_appends`] only.
    async fn swap(
        &self,
        layout: &'static ProjectionLayout,
        fence: Fence,
        slot: Slot,
    ) -> Result<(), ProjectionError>;

    /// Drops a generation that is not live. No error if it is not there.
    async fn retire(
        &self,
        layout: &'static ProjectionLayout,
        fence: Fence,
        slot: Slot,
    ) -> Result<(), ProjectionError>;

    /// Stops a generation with a reason, or lets it go on.
    async fn pause(
        &self,
        projection: &str,
        fence: Fence,
        slot: Slot,
        reason: Option<&str>,
    ) -> Result<(), ProjectionError>;

    /// Parked events of a generation after a position, of one stream or of all, by position.
    async fn parked(
        &self,
        projection: &str,
        slot: Slot,
        stream: Option<AggregateId>,
        after: Position,
        limit: u32,
    ) -> Result<Vec<Parked>, ProjectionError>;

    /// Leaves a wish for whoever owns a projection, in place of an earlier one, and answers with its ticket. Anybody may.
    async fn wish(&self, projection: &str, wish: &str) -> Result<u64, ProjectionError>;

    /// The latest wish of every projection that ever had one.
    async fn wishes(&self) -> Result<Vec<Wish>, ProjectionError>;

    /// Says what became of a wish. No error if another has taken its place.
    async fn answer(
        &self,
        projection: &str,
        fence: Fence,
        ticket: u64,
        answer: &str,
    ) -> Result<(), ProjectionError>;

    /// Keeps the appends of all instances waiting until the answer is used or dropped, or until about five seconds have
    /// passed.
    async fn hold_appends(&self) -> Result<Box<dyn HeldAppends>, ProjectionError>;
}

/// Nobody appends while it lives.
#[async_trait]
pub trait HeldAppends: Debug + Send + Sync {
    /// Puts another generation of an inline projection in the place of the live one, and lets appends go on.
    /// [`ProjectionError::Behind`] if its checkpoint is not the head. `writes` becomes the layout that writers must have
    /// from now on, if it is given: see `InlineTable::layout`.
    async fn swap(
        self: Box<Self>,
        layout: &'static ProjectionLayout,
        fence: Fence,
        slot: Slot,
        writes: Option<String>,
    ) -> Result<(), ProjectionError>;
}
