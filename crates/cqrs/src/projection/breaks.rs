//! How projections make room for commands: whoever has worked takes a break, as long as the store is busy with appends.
//!
//! What commands are told is decided by appends, and projections can come later: with more events in one step, which costs
//! less for each. Where nobody appends nobody takes a break, so what is built anew is built as fast as it can be.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use eventstore::EventStore;
use tokio::sync::{Notify, watch};
use tokio::time::sleep_until;

/// So much longer than the store works for them all projections of a process rest together where appends never cease.
const REST_OF_WORK: f64 = 4.0;

/// Beside appends no break is shorter: whoever changes one thing after the other would wait for a step of every projection for
/// each of them.
const BREAK_MIN: Duration = Duration::from_millis(4);

/// No break is longer, whatever a step took: others wait to see what happened.
const BREAK_MAX: Duration = Duration::from_millis(250);

/// How busy the store is, is told from so long a time at least. A batch is counted when it has ended.
const WINDOW: Duration = Duration::from_millis(20);

/// The breaks of all projections of a process.
#[derive(Clone, Debug)]
pub(super) struct Breaks(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    /// When the next step may begin.
    over: Instant,
    looked: Instant,
    /// How long appends had kept the store busy by then.
    appending: f64,
    /// How long it has worked for projections since.
    worked: Duration,
    /// The share that appends lately took of the time that was left to them: all of it, if they would take more.
    share: f64,
}

impl Breaks {
    pub(super) fn new() -> Self {
        let now = Instant::now();
        Self(Arc::new(Mutex::new(State::beginning(now))))
    }

    /// The store has worked so long for somebody.
    pub(super) fn worked(&self, time: Duration, store: &dyn EventStore) {
        let appending = store.stats().appends.map_or(0.0, |appends| appends.batch_seconds.sum);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).worked(Instant::now(), time, appending);
    }

    /// Waits until the next step may begin, by what is known now: whatever others do meanwhile, it does not wait for longer.
    /// Whoever waits for what is shown ends the break.
    pub(super) async fn take<T>(&self, shown: &watch::Sender<T>, awaited: &Notify) {
        let over = self.0.lock().unwrap_or_else(PoisonError::into_inner).over;
        while shown.receiver_count() == 0 && Instant::now() < over {
            tokio::select! {
                () = sleep_until(over.into()) => {}
                () = awaited.notified() => {}
            }
        }
    }
}

impl State {
    fn beginning(now: Instant) -> Self {
        Self { over: now, looked: now, appending: 0.0, worked: Duration::ZERO, share: 0.0 }
    }

    fn worked(&mut self, now: Instant, time: Duration, appending: f64) {
        self.worked += time;
        let since = now.saturating_duration_since(self.looked);
        if since >= WINDOW {
            let appended = appending - self.appending;
            // Projections work side by side, and a step that began earlier counts whole: never less than a quarter.
            let left = since.saturating_sub(self.worked).max(since / 4).as_secs_f64();
            self.share = if appended > 0.0 { appended / left.max(appended) } else { 0.0 };
            (self.looked, self.appending, self.worked) = (now, appending, Duration::ZERO);
        }
        if self.share > 0.0 {
            let rest = time.mul_f64(REST_OF_WORK * self.share);
            self.over = (self.over.max(now) + rest).clamp(now + BREAK_MIN, now + BREAK_MAX);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::{Pin, pin};
    use std::task::{Context, Waker};

    use super::*;

    const MILLISECOND: Duration = Duration::from_millis(1);

    /// So long after it began.
    fn after(time: Duration) -> (State, Instant) {
        let begun = Instant::now();
        (State::beginning(begun), begun + time)
    }

    fn rested(appending: f64) -> Duration {
        let (mut state, now) = after(105 * MILLISECOND);
        state.worked(now, 5 * MILLISECOND, appending);
        state.over - now
    }

    #[test]
    fn the_busier_the_store_is_with_appends_the_longer_is_a_break() {
        assert_eq!(rested(0.0), Duration::ZERO);
        assert_eq!(rested(0.001), BREAK_MIN);
        assert_eq!(rested(0.05), 10 * MILLISECOND);
        assert_eq!(rested(0.1), 20 * MILLISECOND);
        assert_eq!(rested(0.2), 20 * MILLISECOND, "two batches at a time are not busier than one");
    }

    #[test]
    fn appends_that_projections_leave_no_more_room_are_not_taken_for_few() {
        let (mut state, now) = after(100 * MILLISECOND);
        state.worked(now, 80 * MILLISECOND, 0.02);
        assert_eq!(state.over - now, BREAK_MAX, "they take all that is left to them");
    }

    #[test]
    fn where_nobody_appends_nobody_takes_a_break() {
        let (mut state, now) = after(100 * MILLISECOND);
        state.worked(now, 100 * MILLISECOND, 0.0);
        assert!(state.over < now);
    }

    #[test]
    fn an_append_beside_much_work_is_not_taken_for_many() {
        let (mut state, now) = after(20 * MILLISECOND);
        state.worked(now, 20 * MILLISECOND, 0.001);
        assert_eq!(state.over - now, 16 * MILLISECOND);
    }

    /// A break that does not end by itself while the test runs.
    fn long() -> (Breaks, watch::Sender<()>, Notify) {
        let breaks = Breaks::new();
        breaks.0.lock().unwrap().over += Duration::from_hours(1);
        (breaks, watch::Sender::new(()), Notify::new())
    }

    fn is_over(rest: Pin<&mut impl Future<Output = ()>>) -> bool {
        rest.poll(&mut Context::from_waker(Waker::noop())).is_ready()
    }

    #[tokio::test]
    async fn whoever_waits_ends_a_break_and_keeps_the_next_from_beginning() {
        let (breaks, shown, awaited) = long();
        let mut rest = pin!(breaks.take(&shown, &awaited));
        assert!(!is_over(rest.as_mut()), "nobody waits");
        awaited.notify_one();
        assert!(!is_over(rest.as_mut()), "whoever waited has gone again");
        let waits = shown.subscribe();
        awaited.notify_one();
        assert!(is_over(rest));
        assert!(is_over(pin!(breaks.take(&shown, &awaited))));
        drop(waits);
        assert!(!is_over(pin!(breaks.take(&shown, &awaited))));
    }

    #[tokio::test]
    async fn a_break_is_no_longer_for_what_others_do_meanwhile() {
        let (breaks, shown, awaited) = (Breaks::new(), watch::Sender::new(()), Notify::new());
        breaks.0.lock().unwrap().over += MILLISECOND;
        let mut rest = pin!(breaks.take(&shown, &awaited));
        assert!(!is_over(rest.as_mut()));
        breaks.0.lock().unwrap().over += Duration::from_hours(1);
        rest.await;
    }

    #[test]
    fn breaks_of_several_add_up_to_a_bound() {
        let (mut state, now) = after(105 * MILLISECOND);
        state.worked(now, 5 * MILLISECOND, 0.1);
        state.worked(now, 5 * MILLISECOND, 0.1);
        assert_eq!(state.over - now, 40 * MILLISECOND);
        state.worked(now, Duration::from_secs(1), 0.1);
        assert_eq!(state.over - now, BREAK_MAX);
    }
}
