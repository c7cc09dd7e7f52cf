//! A user of the past, as far as she can still be told: whoever has been erased since existed, and that is all.

use cqrs::{Decider, Recorded};
use eventstore::{AggregateId, Position};
use jiff::Timestamp;
use user_domain::{User, UserEvent, Users};

/// A user at a moment. Of one who has been erased since, `user` is erased at every moment of her past.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Past {
    /// What her events up to then add up to; absent before the first.
    pub user: User,
    /// When she was erased, if that had happened by then.
    pub erased_at: Option<Timestamp>,
}

/// Why there is nobody at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absence {
    /// There is no such user to this day.
    Never,
    /// She was created later.
    NotYet,
}

impl Past {
    /// Who she is; `None` before her first event.
    pub(super) fn id(&self) -> Option<AggregateId> {
        match &self.user {
            User::Absent => None,
            User::Live(user) => Some(user.id),
            User::Erased(user) => Some(user.id),
        }
    }

    /// Where her last event by then stands.
    #[must_use]
    pub fn position(&self) -> Position {
        match &self.user {
            User::Absent => Position::START,
            User::Live(user) => user.position,
            User::Erased(user) => user.position,
        }
    }

    /// One event later.
    pub(super) fn evolve(&mut self, happened: &Recorded<UserEvent>) {
        self.user = Users::evolve(std::mem::take(&mut self.user), happened);
        if matches!(happened.event, UserEvent::UserErased(_)) {
            self.erased_at = Some(happened.recorded_at);
        }
    }
}

/// A time as the JSON form of the contract writes it: with as many triples of digits as it takes.
pub(super) fn time_text(time: Timestamp) -> String {
    match time.subsec_microsecond() {
        0 => format!("{time:.0}"),
        micros if micros % 1000 == 0 => format!("{time:.3}"),
        _ => format!("{time:.6}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_reads_as_in_json() {
        for text in ["2026-01-01T00:00:00Z", "2026-01-01T00:00:00.100Z", "2026-01-01T00:00:00.000010Z"] {
            assert_eq!(time_text(text.parse().expect(text)), text);
        }
    }
}
