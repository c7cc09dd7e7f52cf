//! Whether the database's clock can be believed: watched against this machine's monotonic clock.
//!
//! Order is always by position; this is only about the times that people read. The stamping itself, never backwards
//! along positions, stands in `head_locked`.

use std::time::{Duration, Instant};

use eventstore::Clock;
use jiff::{SignedDuration, Timestamp};

/// Above this the log is ahead of the clock by more than clocks are usually set back by themselves.
const BEHIND_TOLERATED: SignedDuration = SignedDuration::from_secs(5);

/// A wall clock that gains more than this on the monotonic clock has been set wrong, or had been wrong before.
const JUMP_TOLERATED: Duration = Duration::from_hours(1);

/// What is known of the clock that stamps the log.
#[derive(Debug)]
pub(crate) struct Watch {
    clock: Option<Clock>,
    /// Both clocks when the stamping one was last seen and believed; `None` believes whatever comes next.
    seen: Option<(Instant, Timestamp)>,
}

impl Watch {
    pub(crate) fn start(clock: Option<Clock>, shown: Timestamp) -> Self {
        Self { clock, seen: Some((Instant::now(), shown)) }
    }

    /// What the tests' clock shows; `None` asks the database for its own.
    pub(crate) fn now(&self) -> Option<Timestamp> {
        self.clock.as_ref().map(Clock::now)
    }

    /// The latest time that would be believed now.
    pub(crate) fn latest(&self) -> Option<Timestamp> {
        let (then, shown) = self.seen?;
        Some(shown.saturating_add(then.elapsed() + JUMP_TOLERATED).unwrap_or(Timestamp::MAX))
    }

    /// The clock was seen and believed.
    pub(crate) fn saw(&mut self, shown: Timestamp) {
        self.seen = Some((Instant::now(), shown));
    }

    /// What the clock shows now is right, says somebody who knows.
    pub(crate) fn accept(&mut self) {
        self.seen = None;
    }
}

/// By how many seconds the log is ahead of the clock, if that is worth a warning.
pub(crate) fn seconds_behind(recorded_at: Timestamp, shown: Timestamp) -> Option<u64> {
    let behind = recorded_at.duration_since(shown);
    (behind > BEHIND_TOLERATED).then(|| behind.as_secs().unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a small number")
    }

    #[test]
    fn a_jump_of_less_than_an_hour_is_believed() {
        let watch = Watch::start(None, at(0));
        let latest = watch.latest().expect("the clock was seen");
        assert!(latest >= at(3600) && latest < at(3700));
    }

    #[test]
    fn an_accepted_clock_may_show_anything_once() {
        let mut watch = Watch::start(None, at(0));
        watch.accept();
        assert_eq!(watch.latest(), None);
        watch.saw(at(1_000_000));
        assert!(watch.latest() >= Some(at(1_003_600)));
    }

    #[test]
    fn a_log_that_is_a_little_ahead_is_no_news() {
        assert_eq!(seconds_behind(at(5), at(0)), None);
        assert_eq!(seconds_behind(at(0), at(9)), None);
        assert_eq!(seconds_behind(at(6), at(0)), Some(6));
    }
}
