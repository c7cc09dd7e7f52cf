//! The shape of a write model: decide, evolve, and what a state owns across streams.
//!
//! All of it is synchronous, total and deterministic. Ids, clocks, randomness and hashing are arguments.

use std::fmt::Debug;

use eventstore::{AggregateId, Position, Version};
use jiff::Timestamp;

/// A write model: pure functions from state and command to events, and from state and event to state.
pub trait Decider: 'static {
    /// The name of this kind of stream in the log.
    const AGGREGATE_TYPE: &'static str;
    /// Scopes of claims that came after the first: a stream of before does not hold them, whatever its state says, until it
    /// changes what it claims there. Here alone may a command go without what another owns.
    const LATER_SCOPES: &'static [&'static str] = &[];

    /// What the events so far add up to. `State::default()` is the state before any event.
    type State: Clone + Debug + Default + PartialEq + Send + Sync + 'static;
    /// What somebody wants.
    type Command: Debug + Send + Sync + 'static;
    /// What happened.
    type Event: Clone + Debug + PartialEq + Send + Sync + 'static;
    /// Why not.
    type Refusal: std::error::Error + Clone + PartialEq + Send + Sync + 'static;

    /// What happens when `command` meets `state`. An empty answer means that what it asks for holds already.
    fn decide(state: &Self::State, command: &Self::Command) -> Result<Vec<Self::Event>, Self::Refusal>;

    /// The state after one more event. Never fails and checks no rules: what is recorded has happened.
    fn evolve(state: Self::State, recorded: &Recorded<Self::Event>) -> Self::State;

    /// What this state owns across streams; no other live stream may own the same.
    fn claims(state: &Self::State) -> Vec<Claim>;

    /// The version of the stream that adds up to this state; `Version::NONE` before the first event.
    fn version(state: &Self::State) -> Version;

    /// The state that a history adds up to.
    fn fold<'a>(history: impl IntoIterator<Item = &'a Recorded<Self::Event>>) -> Self::State
    where
        Self::Event: 'a,
    {
        history.into_iter().fold(Self::State::default(), Self::evolve)
    }
}

/// An event with its place in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded<E> {
    /// The stream.
    pub aggregate_id: AggregateId,
    /// Its place in the stream.
    pub version: Version,
    /// Its place in the log.
    pub position: Position,
    /// When the log took it. Never goes backwards along positions.
    pub recorded_at: Timestamp,
    /// What happened.
    pub event: E,
}

/// A value that one stream alone may own, in its normalised form. It leaves this process only as a keyed hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// What kind of value, with the version of its normalisation: `email.1`.
    pub scope: &'static str,
    /// The normalised value.
    pub value: String,
}
