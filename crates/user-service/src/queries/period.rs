//! Between two moments, as positions: order is by position alone, and times only say where to begin and to end.

use eventstore::{EventStore, Position, ReadError, RecordedEvent};
use jiff::{SignedDuration, Timestamp};

/// Between which moments something was recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Period {
    /// At or after; from the beginning if `None`.
    pub from: Option<Timestamp>,
    /// Before; to the head if `None`.
    pub until: Option<Timestamp>,
}

/// The same, as the log counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Everything after this.
    pub after: Position,
    /// Everything up to this; to the head if `None`.
    pub up_to: Option<Position>,
}

impl Period {
    /// Where it begins and ends in a log. Exact, since times never go backwards along positions.
    pub async fn span(self, store: &dyn EventStore) -> Result<Span, ReadError> {
        let after = match self.from {
            Some(from) => before(store, from).await?,
            None => Position::START,
        };
        let up_to = match self.until {
            Some(until) => Some(before(store, until).await?),
            None => None,
        };
        Ok(Span { after, up_to })
    }

    /// Whether an event was recorded in it.
    #[must_use]
    pub fn includes(self, event: &RecordedEvent) -> bool {
        self.from.is_none_or(|from| event.recorded_at >= from)
            && self.until.is_none_or(|until| event.recorded_at < until)
    }
}

/// The last position before a moment. The log counts in whole microseconds, callers may give less.
async fn before(store: &dyn EventStore, moment: Timestamp) -> Result<Position, ReadError> {
    match last_microsecond_before(moment) {
        Some(last) => store.position_at(last).await,
        None => Ok(Position::START),
    }
}

fn last_microsecond_before(moment: Timestamp) -> Option<Timestamp> {
    let whole = Timestamp::from_microsecond(moment.as_microsecond()).ok()?;
    if whole < moment { Some(whole) } else { whole.checked_sub(SignedDuration::from_micros(1)).ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_between_two_microseconds_is_after_the_first() {
        for (moment, last) in [
            ("2026-01-01T00:00:00Z", "2025-12-31T23:59:59.999999Z"),
            ("2026-01-01T00:00:00.000001Z", "2026-01-01T00:00:00Z"),
            ("2026-01-01T00:00:00.000000001Z", "2026-01-01T00:00:00Z"),
            ("2026-01-01T00:00:00.000001999Z", "2026-01-01T00:00:00.000001Z"),
            ("1969-12-31T23:59:59.999999999Z", "1969-12-31T23:59:59.999999Z"),
        ] {
            let moment: Timestamp = moment.parse().expect("it is a time");
            assert_eq!(last_microsecond_before(moment), last.parse().ok(), "{moment}");
        }
    }
}
