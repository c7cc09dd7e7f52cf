//! The port: what every store promises and how it is asked.
//!
//! Absent is `Option`, never an error. Reads go by position, never by offset or by time.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use thiserror::Error;
use uuid::Uuid;

use crate::{
    AggregateId, Append, AppendError, Appended, BoxError, ClaimKey, Deadline, EventId, InlineTable, LogId,
    Position, ProjectionStore, RecordedEvent, RequestKey, RequestRecord, Row, RowWitness, Select, StoreStats,
    Value, Version,
};

/// An append-only log of events with one global order, optimistic concurrency per stream, uniqueness across streams,
/// and rows of inline tables in the same transaction.
///
/// Guarantees, each a test of the conformance suite:
/// positions are 1, 2, 3 … without gaps in the order of commit, and whoever has seen position p has seen everything
/// below p; versions of a stream are 1, 2, 3 …; an append on any version but the head's is refused; a claim has one
/// owner; a request id is executed once; `recorded_at` never goes backwards along positions; what is acknowledged is
/// durable; nothing is ever rewritten.
#[async_trait]
pub trait EventStore: Debug + Send + Sync + 'static {
    /// Which log this is. Positions of another log mean nothing here.
    fn log_id(&self) -> LogId;

    /// Appends everything that one command changes, or nothing. Answers when it is durable.
    async fn append(&self, append: Append, deadline: Deadline) -> Result<Appended, AppendError>;

    /// The generation of an inline table whose rows the log takes, as far as this process knows: this binary's own, or an
    /// earlier one that it can still write, until the log is switched. Whoever changes something asks before she reads the
    /// rows that she decides on, and writes that generation: if the log is switched meanwhile, the append is refused with
    /// `Rejection::LayoutMoved`. Costs no look at the store; `warnings` looks.
    fn writes(&self, table: &'static InlineTable) -> &'static InlineTable;

    /// Events of one stream after a version, in order, at most `limit`.
    async fn stream(
        &self,
        aggregate_id: AggregateId,
        after: Version,
        limit: u32,
    ) -> Result<Vec<RecordedEvent>, ReadError>;

    /// The latest event of a stream, if there is one.
    async fn stream_head(&self, aggregate_id: AggregateId) -> Result<Option<RecordedEvent>, ReadError>;

    /// Events of the whole log after a position, in order.
    async fn events(&self, query: &EventQuery) -> Result<EventPage, ReadError>;

    /// Events of all streams in the order of their ids and versions, after a place in that order, up to a position, at
    /// most `limit`. What a projection is built from: one stream after the other.
    async fn streams(
        &self,
        after: Option<StreamCursor>,
        up_to: Position,
        limit: u32,
    ) -> Result<Vec<RecordedEvent>, ReadError>;

    /// Comes back when the log may have gone beyond a position: at once if it is known to, soon after an append of any
    /// instance, and after about a second in any case. A hint: whoever is woken reads. Can be dropped at any time.
    async fn beyond(&self, position: Position);

    /// The latest event of the log.
    async fn head(&self) -> Result<Head, ReadError>;

    /// The position of the latest event recorded at or before a moment; `Position::START` if there is none.
    async fn position_at(&self, moment: Timestamp) -> Result<Position, ReadError>;

    /// Who owns a key.
    async fn claim_owner(&self, key: ClaimKey) -> Result<Option<AggregateId>, ReadError>;

    /// Claims after a key, in the order of keys, at most `limit`: for checks of the whole store.
    async fn claims(
        &self,
        after: Option<ClaimKey>,
        limit: u32,
    ) -> Result<Vec<(ClaimKey, AggregateId)>, ReadError>;

    /// What a request id did, if it is still remembered.
    async fn request(&self, key: RequestKey) -> Result<Option<RequestRecord>, ReadError>;

    /// Forgets up to `limit` request ids after `after` whose position is at most `before`. Answers where it stopped;
    /// `None` at the end. A walk along the primary key, so that no index is needed for it.
    async fn prune_requests(
        &self,
        before: Position,
        after: Option<RequestKey>,
        limit: u32,
    ) -> Result<Option<RequestKey>, ReadError>;

    /// Reads the product's own tables.
    async fn select(&self, query: &'static Select, parameters: &[Value]) -> Result<Vec<Row>, ReadError>;

    /// Changes the product's own tables outside an append, and says how many rows it touched.
    async fn execute(&self, statement: &'static str, parameters: &[Value]) -> Result<u64, ReadError>;

    /// The same for what may be forgotten when a standby takes over: it waits for no standby, so that one that is away
    /// keeps nobody waiting. Where there is none to wait for, the two are one.
    async fn note(&self, statement: &'static str, parameters: &[Value]) -> Result<u64, ReadError> {
        self.execute(statement, parameters).await
    }

    /// Has somebody told of changes of inline rows, from now on: what a cache of rows takes. Whether she is. A store whose rows
    /// others may change, too, can tell nobody.
    fn witnessed_by(&self, _: Arc<dyn RowWitness>) -> bool {
        false
    }

    /// The projections beside the log.
    fn projections(&self) -> &dyn ProjectionStore;

    /// How much room the store takes.
    async fn size(&self) -> Result<StoreSize, ReadError>;

    /// How long ago that was committed elsewhere which was last applied here, if there is more to apply; `None` of a store that
    /// follows no other.
    async fn replay_lag(&self) -> Result<Option<Duration>, ReadError> {
        Ok(None)
    }

    /// What it has counted since it was opened. Costs no look at the store.
    fn stats(&self) -> StoreStats;

    /// What an operator should know, from a look at the store as it is now. Empty when all is well.
    async fn warnings(&self) -> Vec<Warning>;

    /// Accepts a clock that jumped forward: see [`crate::WriterRefusal::ClockJumped`].
    fn accept_clock(&self);

    /// Finishes what has begun and lets go of the store. Appends after it are answered with `StoreDown`.
    async fn close(&self);
}

/// Which events of the log to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventQuery {
    /// Events after this position.
    pub after: Position,
    /// Events up to this position; to the head if `None`.
    pub up_to: Option<Position>,
    /// From which end.
    pub direction: Direction,
    /// Only these.
    pub filter: EventFilter,
    /// At most this many.
    pub limit: u32,
}

/// In which order events are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    /// By position.
    #[default]
    OldestFirst,
    /// From the head, or from `up_to`, down.
    NewestFirst,
}

/// What events must be like. Evaluated in the store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// Only these types; all if empty.
    pub event_types: Vec<String>,
    /// Only this kind of stream.
    pub aggregate_type: Option<String>,
    /// Only these streams; all if empty.
    pub aggregate_ids: Vec<AggregateId>,
    /// Only what this caller did.
    pub actor: Option<String>,
    /// Only what belongs to this.
    pub correlation_id: Option<Uuid>,
}

impl EventQuery {
    /// All events after a position, oldest first.
    #[must_use]
    pub fn after(after: Position, limit: u32) -> Self {
        Self { after, up_to: None, direction: Direction::OldestFirst, filter: EventFilter::default(), limit }
    }
}

/// A place in the order of streams and versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamCursor {
    /// The stream.
    pub aggregate_id: AggregateId,
    /// Its event.
    pub version: Version,
}

/// How much room a store takes, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoreSize {
    /// The table of events.
    pub events: u64,
    /// Its indexes; `None` where that cannot be told apart.
    pub indexes: Option<u64>,
    /// Everything, the tables beside the log included.
    pub total: u64,
    /// What has been written ahead and is not yet in the tables; `None` where it cannot be asked.
    pub wal: Option<u64>,
}

/// Some events, and how far the log has been read for them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventPage {
    /// The events, by position.
    pub events: Vec<RecordedEvent>,
    /// Everything up to here has been looked at: a filtered reader goes on after it. Equal to the query's `after`
    /// when there is nothing new. Newest first: everything above it has been looked at, and the reader goes on with
    /// `up_to` there; it is the query's `after` when there is nothing more.
    pub scanned_to: Position,
}

/// Where a log stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The position of the latest event; `Position::START` in an empty log.
    pub position: Position,
    /// The latest event; `None` in an empty log.
    pub event_id: Option<EventId>,
    /// When it was recorded.
    pub recorded_at: Option<Timestamp>,
}

/// Why a read failed.
#[derive(Debug, Error)]
pub enum ReadError {
    /// The store cannot be reached, or is too busy. Retry later.
    #[error("the store is down")]
    StoreDown(#[source] BoxError),
    /// What the store holds does not fit its own rules. Wake someone.
    #[error("the store is corrupt: {0}")]
    Corrupt(String),
    /// The statement or its parameters are wrong. A bug in the caller.
    #[error("the read is malformed")]
    Malformed(#[source] BoxError),
}

/// Something that an operator should know.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Warning {
    /// The latest event is ahead of the clock: times of new events stand still until the clock catches up.
    #[error("the log is {seconds} s ahead of the clock")]
    ClockBehind {
        /// By how much.
        seconds: u64,
    },
    /// Appends are refused: see [`crate::WriterRefusal`].
    #[error("appends are refused: {0}")]
    WriterRefused(crate::WriterRefusal),
    /// Appends, and perhaps reads, wait for the store to come back.
    #[error("the store cannot be reached")]
    StoreDown,
    /// A setting of the store gives up a guarantee, and somebody said that this is meant.
    #[error("a guarantee is given up: {0}")]
    Weakened(String),
}
