//! When an append is recorded: never backwards, and not at all after a clock has jumped.
//!
//! Order is always by position; this is only about the times that people read.

use std::time::{Duration, Instant};

use eventstore::{Clock, Warning, WriterRefusal};
use jiff::Timestamp;

/// Above this the log is ahead of the clock by more than clocks are usually set back by themselves.
const BEHIND_TOLERATED: Duration = Duration::from_secs(5);

/// A wall clock that gains more than this on the monotonic clock has been set wrong, or had been wrong before.
const JUMP_TOLERATED: Duration = Duration::from_hours(1);

/// The wall clock, watched against the monotonic one.
#[derive(Debug)]
pub(crate) struct Watch {
    clock: Option<Clock>,
    /// Both clocks at the last look that was not refused.
    seen: (Instant, Timestamp),
    behind: Option<Duration>,
    jumped: bool,
}

impl Watch {
    pub(crate) fn start(clock: Option<Clock>) -> Self {
        let now = show(clock.as_ref());
        Self { clock, seen: (Instant::now(), now), behind: None, jumped: false }
    }

    /// The time for the next batch, in whole microseconds and after `last`; or a refusal.
    pub(crate) fn stamp(&mut self, last: Option<i64>) -> Result<i64, WriterRefusal> {
        let now = self.look()?.as_microsecond();
        let Some(last) = last else { return Ok(now) };
        let behind = Duration::from_micros(u64::try_from(last - now).unwrap_or(0));
        self.behind = (behind > BEHIND_TOLERATED).then_some(behind);
        Ok(now.max(last + 1))
    }

    /// What the clock shows now is right, says somebody who knows.
    pub(crate) fn accept(&mut self) {
        self.seen = (Instant::now(), show(self.clock.as_ref()));
        self.jumped = false;
    }

    pub(crate) fn warnings(&self) -> impl Iterator<Item = Warning> {
        let behind = self.behind.map(|behind| Warning::ClockBehind { seconds: behind.as_secs() });
        let jumped = self.jumped.then_some(Warning::WriterRefused(WriterRefusal::ClockJumped));
        behind.into_iter().chain(jumped)
    }

    /// Looks at both clocks. A clock that was set back by as much as it had jumped is trusted again.
    fn look(&mut self) -> Result<Timestamp, WriterRefusal> {
        let (then, wall_then) = self.seen;
        let (monotonic, wall) = (Instant::now(), show(self.clock.as_ref()));
        let expected = wall_then.saturating_add(monotonic - then).unwrap_or(Timestamp::MAX);
        self.jumped =
            Duration::try_from(wall.duration_since(expected)).is_ok_and(|gained| gained > JUMP_TOLERATED);
        if self.jumped {
            return Err(WriterRefusal::ClockJumped);
        }
        self.seen = (monotonic, wall);
        Ok(wall)
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place that asks the system for the time")]
fn show(clock: Option<&Clock>) -> Timestamp {
    clock.map_or_else(Timestamp::now, Clock::now)
}
