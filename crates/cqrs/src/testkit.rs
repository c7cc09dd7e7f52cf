//! `given(history).when(command).then(events)`: how every domain test is written.
//!
//! Its functions panic where a test should fail. The given events get versions, positions and times in their order, so that a test names facts only.

use std::fmt::Debug;

use eventstore::{AggregateId, Position, Version};
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::{Decider, Recorded};

/// Starts a test from the events that have happened.
#[must_use]
pub fn given<D: Decider>(history: impl IntoIterator<Item = D::Event>) -> Given<D> {
    Given { state: D::fold(&record::<D>(history)) }
}

/// The same events as a log would give them back: version and position n, one second apart from the epoch on.
#[must_use]
pub fn record<D: Decider>(history: impl IntoIterator<Item = D::Event>) -> Vec<Recorded<D::Event>> {
    (1..).zip(history).map(|(n, event)| recorded::<D>(n, event)).collect()
}

fn recorded<D: Decider>(n: u64, event: D::Event) -> Recorded<D::Event> {
    let seconds = i64::try_from(n).expect("a test's history is short");
    Recorded {
        aggregate_id: AggregateId(Uuid::from_u128(1)),
        version: Version(n),
        position: Position(n),
        recorded_at: Timestamp::UNIX_EPOCH + SignedDuration::from_secs(seconds),
        event,
    }
}

/// What has happened.
#[derive(Debug)]
pub struct Given<D: Decider> {
    state: D::State,
}

impl<D: Decider> Given<D> {
    /// Meets it with a command.
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "a test reads better without a reference")]
    pub fn when(self, command: D::Command) -> When<D> {
        let outcome = D::decide(&self.state, &command);
        assert_eq!(outcome, D::decide(&self.state, &command), "decide is not deterministic");
        When { state: self.state, outcome }
    }

    /// The state that the history adds up to, for tests of evolve alone.
    #[must_use]
    pub fn state(self) -> D::State {
        self.state
    }
}

/// What came of it.
#[derive(Debug)]
pub struct When<D: Decider> {
    state: D::State,
    outcome: Result<Vec<D::Event>, D::Refusal>,
}

impl<D: Decider> When<D> {
    /// Exactly these events; none means that the command changes nothing.
    #[track_caller]
    pub fn then(self, expected: impl IntoIterator<Item = D::Event>) {
        assert_eq!(self.outcome, Ok(expected.into_iter().collect()));
    }

    /// Exactly this refusal.
    #[track_caller]
    pub fn refused(self, expected: D::Refusal) {
        assert_eq!(self.outcome, Err(expected));
    }

    /// The state after the events that came of it.
    #[track_caller]
    #[must_use]
    pub fn state(self) -> D::State {
        let events = match self.outcome {
            Ok(events) => events,
            Err(refusal) => panic!("refused: {refusal}"),
        };
        let next = D::version(&self.state).0 + 1;
        (next..).zip(events).fold(self.state, |state, (n, event)| D::evolve(state, &recorded::<D>(n, event)))
    }
}
