//! Pauses between two tries: they double, up to the longest, and a random part of each is waited, so that many who fail
//! together do not come back together.

use std::time::Duration;

use super::RunnerSettings;

/// How long to wait before the next try.
#[derive(Debug)]
pub(super) struct Backoff {
    first: Duration,
    longest: Duration,
    next: Duration,
}

impl Backoff {
    pub(super) fn new(settings: &RunnerSettings) -> Self {
        let (first, longest) = (settings.retry_first, settings.retry_longest);
        Self { first, longest, next: first }
    }

    /// At least half of what it has come to.
    pub(super) fn pause(&mut self) -> Duration {
        let pause = self.next;
        self.next = (pause * 2).min(self.longest);
        pause.mul_f64(0.5 + fastrand::f64() / 2.0)
    }

    /// Something succeeded.
    pub(super) fn succeeded(&mut self) {
        self.next = self.first;
    }
}

/// A duration, give or take a third: for things that many do at once.
pub(super) fn about(duration: Duration) -> Duration {
    duration.mul_f64(2.0 / 3.0 + fastrand::f64() * 2.0 / 3.0)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn pauses_grow_to_the_longest_and_start_again_after_a_success() {
        let settings = RunnerSettings::new(Uuid::nil(), "test");
        let mut backoff = Backoff::new(&settings);
        for _ in 0..20 {
            assert!(backoff.pause() <= settings.retry_longest);
        }
        assert!(backoff.pause() >= settings.retry_longest / 2);
        backoff.succeeded();
        assert!(backoff.pause() <= settings.retry_first);
    }
}
