//! The command bus: the one way from a command to the log.
//!
//! Deadline, idempotency, load, precondition, decide, claims, append, and a bounded retry on a conflict that the caller
//! did not ask to see. What a kind of aggregate needs beside its decider stands behind [`Aggregates`].

mod claims;
mod error;
mod execute;
mod execute_new;
mod rehearse;

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use eventstore::{
    AggregateId, ClaimChanges, ClaimKey, Deadline, Derived, EventStore, Metadata, NewEvent, NewRequest,
    Position, RowWrite, Version,
};
use jiff::Timestamp;

pub use error::{CommandError, Fault};
pub use rehearse::Rehearsed;

use crate::{Claim, Decider, Recorded};

/// The time of an event that has no time yet. An inline row made from a state that holds it asks the log to fill it in.
pub const PENDING_TIME: Timestamp = Timestamp::MAX;

/// The position of an event that has no position yet.
pub const PENDING_POSITION: Position = Position(u64::MAX);

/// What a kind of aggregate gives the bus beside its decider: how to load it, and how its events and rows are written.
#[async_trait]
pub trait Aggregates<D: Decider>: Debug + Send + Sync + 'static {
    /// What loading finds beside the state, and writing needs: the keys of the person it is about.
    type Context: Debug + Send + Sync;
    /// What travels beside a command and never reaches the decider: a password on its way to its hash.
    type Attachment: Debug + Send + Sync;

    /// The state at the head, read now. A cache may not answer.
    async fn load(&self, id: AggregateId) -> Result<(D::State, Self::Context), Fault>;

    /// The state at a version, to rebuild an earlier answer. `None` when it can no longer be read: erased since.
    async fn load_at(&self, id: AggregateId, version: Version) -> Result<Option<D::State>, Fault>;

    /// The keyed hash under which the log knows a claim.
    fn claim_key(&self, claim: &Claim) -> ClaimKey;

    /// Later scopes in which this command goes without what another aggregate owns, instead of being refused.
    fn dispensable(&self, _attachment: &Self::Attachment) -> &'static [&'static str] {
        &[]
    }

    /// What the caller is told when another aggregate owns a claim of this scope.
    fn claim_taken(&self, scope: &'static str) -> D::Refusal;

    /// Writes a change: sealed events and whole rows. Slow work (hashing a password) happens here, after the decision.
    async fn write(
        &self,
        change: &Change<'_, D>,
        context: &Self::Context,
        attachment: &Self::Attachment,
    ) -> Result<Written, Fault>;
}

/// A decision that is about to be written.
#[derive(Debug)]
pub struct Change<'a, D: Decider> {
    /// The stream.
    pub id: AggregateId,
    /// The state that was decided on.
    pub before: &'a D::State,
    /// The events, with versions, and with [`PENDING_TIME`] and [`PENDING_POSITION`].
    pub events: &'a [Recorded<D::Event>],
    /// The state after them.
    pub after: &'a D::State,
    /// What the state after them owns: every claim with its key, but for those of a later scope that stay as they are.
    pub claims: &'a [(Claim, ClaimKey)],
    /// Scopes in which it owns nothing from now on, since what its state says there is another's.
    pub forgone: &'a [&'static str],
}

/// A change as the log takes it.
#[derive(Debug)]
pub struct Written {
    /// One for each event, in order.
    pub events: Vec<NewEvent>,
    /// At most one for each table.
    pub rows: Vec<RowWrite>,
    /// What becomes of the rows that projections hold about the aggregate.
    pub derived: Derived,
}

/// A command and everything that goes with it.
#[derive(Debug)]
pub struct Execution<D: Decider, A> {
    /// The aggregate.
    pub id: AggregateId,
    /// What is wanted.
    pub command: D::Command,
    /// What travels beside it.
    pub attachment: A,
    /// Which version the caller has seen; a change since is told, not retried.
    pub precondition: Option<Version>,
    /// The client's name for this command, which makes it execute once.
    pub request: Option<NewRequest>,
    /// Who wants it.
    pub metadata: Metadata,
    /// Until when the caller waits.
    pub deadline: Deadline,
}

/// What a command led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome<S> {
    /// The aggregate it was about. For a replayed creation this is the one that was created then.
    pub id: AggregateId,
    /// The state after it.
    pub state: S,
    /// Whoever has read up to here has seen it.
    pub position: Position,
    /// Whether this repeats the answer to an earlier request of the same id.
    pub replayed: bool,
}

/// The command bus of one kind of aggregate.
#[derive(Debug)]
pub struct CommandBus<A> {
    store: Arc<dyn EventStore>,
    aggregates: A,
}

impl<A> CommandBus<A> {
    /// A bus that appends to `store`.
    pub fn new(store: Arc<dyn EventStore>, aggregates: A) -> Self {
        Self { store, aggregates }
    }

    /// What the aggregates give the bus.
    pub fn aggregates(&self) -> &A {
        &self.aggregates
    }
}

/// What a change does to claims, and what its outcome owns.
struct ClaimDifference {
    changes: ClaimChanges,
    after: Vec<(Claim, ClaimKey)>,
    doubtful: Vec<ClaimKey>,
    forgone: Vec<&'static str>,
}
