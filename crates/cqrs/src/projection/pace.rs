//! How many events a step takes, so that it keeps the store's writer for about as long as it may.

use std::time::Duration;

use super::RunnerSettings;

/// Where a step begins that nothing is known about.
const EVENTS_FIRST: u32 = 100;

/// Fewer than these are not worth a transaction, however slow it is.
const EVENTS_MIN: u32 = 20;

/// How many events the next step takes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    events: u32,
    events_max: u32,
    step_time: Duration,
}

impl Pace {
    pub(super) fn new(settings: &RunnerSettings) -> Self {
        let events_max = settings.step_events_max.max(1);
        Self { events: EVENTS_FIRST.min(events_max), events_max, step_time: settings.step_time }
    }

    pub(super) fn events(self) -> u32 {
        self.events
    }

    /// A step took this long. One that was not half full says nothing about how long a larger one would take.
    pub(super) fn took(&mut self, events: usize, time: Duration) {
        if time > self.step_time {
            self.events = (self.events / 2).max(EVENTS_MIN);
        } else if time < self.step_time / 2 && events as u64 >= u64::from(self.events / 2) {
            self.events = self.events.saturating_mul(2);
        }
        self.events = self.events.min(self.events_max);
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const QUICK: Duration = Duration::from_millis(1);
    const SLOW: Duration = Duration::from_secs(1);

    #[test]
    fn quick_steps_grow_and_slow_ones_shrink_within_their_limits() {
        let mut pace = Pace::new(&RunnerSettings::new(Uuid::nil(), "test"));
        pace.took(3, QUICK);
        assert_eq!(pace.events(), EVENTS_FIRST, "three events say nothing about a hundred");
        for _ in 0..10 {
            pace.took(1000, QUICK);
        }
        assert_eq!(pace.events(), 1000);
        for _ in 0..10 {
            pace.took(1000, SLOW);
        }
        assert_eq!(pace.events(), EVENTS_MIN);
    }
}
