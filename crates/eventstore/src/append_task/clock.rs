//! Whether the clock that stamps the log can be believed: watched against this machine's monotonic clock.
//!
//! Order is always by position; this is only about the times that people read.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// Above this the log is ahead of the clock by more than clocks are usually set back by themselves.
const BEHIND_TOLERATED: SignedDuration = SignedDuration::from_secs(5);

/// A wall clock that gains more than this on the monotonic clock has been set wrong, or had been wrong before.
const JUMP_TOLERATED: Duration = Duration::from_hours(1);

/// What is known of the clock that stamps the log.
#[derive(Debug)]
pub(super) struct ClockWatch {
    /// Both clocks when the stamping one was last seen and believed; `None` believes whatever comes next.
    seen: Option<(Duration, Timestamp)>,
}

impl ClockWatch {
    pub(super) fn start(shown: Timestamp) -> Self {
        Self { seen: Some((uptime(), shown)) }
    }

    /// The latest time that would be believed now.
    pub(super) fn latest(&self) -> Option<Timestamp> {
        let (then, shown) = self.seen?;
        let elapsed = uptime().saturating_sub(then);
        Some(shown.saturating_add(elapsed + JUMP_TOLERATED).unwrap_or(Timestamp::MAX))
    }

    /// Whether this is no more than the time that has passed. A clock that was set back by as much as it had jumped is
    /// believed again.
    pub(super) fn believes(&self, shown: Timestamp) -> bool {
        self.latest().is_none_or(|latest| shown <= latest)
    }

    /// The clock was seen and believed.
    pub(super) fn saw(&mut self, shown: Timestamp) {
        *self = Self::start(shown);
    }

    /// What the clock shows now is right, says somebody who knows.
    pub(super) fn accept(&mut self) {
        self.seen = None;
    }
}

/// By how many seconds the log is ahead of the clock, if that is worth a warning.
pub(super) fn seconds_behind(recorded_at: Timestamp, shown: Timestamp) -> Option<u64> {
    let behind = recorded_at.duration_since(shown);
    (behind > BEHIND_TOLERATED).then(|| behind.as_secs().unsigned_abs())
}

/// A clock that nobody sets. It goes on while the machine sleeps: a laptop that is opened in the morning has not jumped.
#[cfg(target_os = "linux")]
fn uptime() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    Duration::try_from(now).unwrap_or(Duration::MAX)
}

/// A clock that nobody sets. After the machine has slept for an hour somebody has to accept the time.
#[cfg(not(target_os = "linux"))]
fn uptime() -> Duration {
    use std::sync::LazyLock;
    use std::time::Instant;

    static FIRST: LazyLock<Instant> = LazyLock::new(Instant::now);
    FIRST.elapsed()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a small number")
    }

    #[test]
    fn a_jump_of_less_than_an_hour_is_believed() {
        let watch = ClockWatch::start(at(0));
        assert!(watch.believes(at(3600)));
        assert!(!watch.believes(at(3700)));
        assert!(watch.believes(at(-3700)), "the log takes care of a clock that was set back");
    }

    #[test]
    fn an_accepted_clock_may_show_anything_once() {
        let mut watch = ClockWatch::start(at(0));
        watch.accept();
        assert!(watch.believes(at(1_000_000)));
        watch.saw(at(1_000_000));
        assert!(watch.believes(at(1_003_600)));
        assert!(!watch.believes(at(2_000_000)));
    }

    #[test]
    fn a_log_that_is_a_little_ahead_is_no_news() {
        assert_eq!(seconds_behind(at(5), at(0)), None);
        assert_eq!(seconds_behind(at(0), at(9)), None);
        assert_eq!(seconds_behind(at(6), at(0)), Some(6));
    }

    #[test]
    fn the_monotonic_clock_goes_forward() {
        let first = uptime();
        assert!(first <= uptime());
    }
}
