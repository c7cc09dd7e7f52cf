//! A projector: a pure function from what happened to rows. It never waits, never fails and never sees a statement.

use std::fmt::Debug;

use async_trait::async_trait;
use eventstore::{ProjectionLayout, ProjectionRow, RecordedEvent, Row};

use super::Undecodable;
use crate::bus::Fault;

/// What one event makes of a projection's rows.
///
/// Rows depend on recorded events alone, so that live, rebuilt and folded are equal. A projector that panics parks the
/// event's stream, the others go on.
pub trait Projector<E>: Debug + Send + Sync + 'static {
    /// What it fills. The first table holds the state of each stream.
    fn layout(&self) -> &'static ProjectionLayout;

    /// The kind of streams that it is about. Events of others pass by it: they change nothing and are not parked.
    fn aggregate_type(&self) -> &'static str;

    /// The rows that change, given the state of the event's stream before it: its row of the first table with the
    /// greatest key. The state after it is the last row of the first table that is put here; none if the stream's rows
    /// are deleted here; else the state before.
    fn project(&self, state: Option<&Row>, event: &E) -> Vec<ProjectionRow>;
}

/// From the log's bytes to what happened, with whatever keys that takes.
#[async_trait]
pub trait Decode<E>: Debug + Send + Sync + 'static {
    /// What happened, one answer for each event, in order. An event that cannot be read is an answer of its own and
    /// does not spoil the others; a fault says that nobody could look, and is worth a retry.
    async fn decode(&self, events: &[RecordedEvent]) -> Result<Vec<Result<E, Undecodable>>, Fault>;
}
