//! The log: what an event is, what an append promises, and the port that every store implements.
//!
//! This crate knows no database and no user. Its optional parts are the append task that both adapters share
//! (`append-task`) and the suite that both must pass (`conformance`).

mod append;
#[cfg(feature = "append-task")]
pub mod append_task;
#[cfg(feature = "conformance")]
pub mod conformance;
mod event;
mod ids;
mod inline;
mod options;
mod port;
mod projection;
mod projection_store;
mod stats;
mod witness;

pub use append::{
    Append, AppendError, Appended, BoxError, ClaimChanges, ClaimMove, Deadline, Derived, NewRequest,
    Rejection, RequestRecord, WriterRefusal,
};
pub use event::{Metadata, NewEvent, RecordedEvent};
pub use ids::{AggregateId, ClaimKey, EventId, Fingerprint, LogId, Position, RequestKey, Version};
pub use inline::{
    ColumnClass, ColumnKind, InlineColumn, InlineTable, Row, RowChange, RowWrite, Select, Value,
};
pub use options::{Clock, Durability, Migration};
pub use port::{
    Direction, EventFilter, EventPage, EventQuery, EventStore, Head, ReadError, StoreSize, StreamCursor,
    Warning,
};
pub use projection::{
    Checkpoint, Fence, Generation, Lease, NewParked, OnErasure, Parked, Phase, Progress, ProjectionBatch,
    ProjectionChange, ProjectionLayout, ProjectionMode, ProjectionRow, ProjectionTable, Slot, Stretch,
    Subject, Wish, Writing,
};
pub use projection_store::{HeldAppends, ProjectionError, ProjectionStore};
pub use stats::{
    AppendOutcome, AppendStats, BATCH_BOUNDS, Distribution, ReaderStats, StatementCounts, StatementStats,
    StoreStats, TIME_BOUNDS,
};
pub use witness::{RowWitness, Witnessed};
