//! When calls are due, whatever becomes of those before: at random, so many a second on average, the same in every run.

use std::thread;
use std::time::{Duration, Instant};

use fastrand::Rng;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// Tells of each call at the moment when it is due. By a thread of its own: a timer of the runtime is a millisecond late,
/// which is longer than most calls take.
pub(super) fn calls(per_second: f64, (from, to): (Instant, Instant)) -> UnboundedReceiver<Instant> {
    let (sender, due) = unbounded_channel();
    thread::spawn(move || {
        for at in moments(per_second, (from, to)) {
            thread::sleep(at.saturating_duration_since(Instant::now()));
            if sender.send(at).is_err() {
                return;
            }
        }
    });
    due
}

/// As calls come from many who know nothing of each other.
fn moments(per_second: f64, (from, to): (Instant, Instant)) -> impl Iterator<Item = Instant> {
    let (mut random, mut at) = (Rng::with_seed(20_261_123), from);
    std::iter::from_fn(move || {
        at += Duration::from_secs_f64(-(1.0 - random.f64()).ln() / per_second);
        Some(at)
    })
    .take_while(move |at| *at < to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_is_the_same_each_time_and_has_as_many_calls_as_it_says() {
        let window = (Instant::now(), Instant::now() + Duration::from_secs(100));
        let all: Vec<_> = moments(100.0, window).collect();
        assert!((9_700..10_300).contains(&all.len()), "{} calls", all.len());
        assert!(all.is_sorted() && moments(100.0, window).eq(all));
    }
}
