//! What the append task counts: atomics that nobody waits for, read all at once when somebody asks.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::{CommitError, Verdict};
use crate::{Append, AppendOutcome, AppendStats, Appended, BATCH_BOUNDS, Distribution, TIME_BOUNDS};

/// Shared by the queue and the task.
#[derive(Debug, Default)]
pub(super) struct Counters {
    outcomes: [Counter; AppendOutcome::ALL.len()],
    /// Taken out of the queue, and not yet in a batch.
    pub(super) taken: Counter,
    events: Counter,
    batch_appends: Buckets<{ BATCH_BOUNDS.len() }>,
    batch_time: Buckets<{ TIME_BOUNDS.len() }>,
    pub(super) judged: Counter,
    pub(super) mismatches: Counter,
    pub(super) transients: Counter,
    not_executed: Counter,
    unknown: Counter,
    settled_executed: Counter,
    settled_not_executed: Counter,
    pub(super) settle_failures: Counter,
}

/// A number that only grows, or that is set.
#[derive(Debug, Default)]
pub(super) struct Counter(AtomicU64);

/// How often values fell below each of `N` bounds, and above the last.
#[derive(Debug)]
struct Buckets<const N: usize> {
    ranges: [Counter; N],
    beyond: Counter,
    /// Whole units, or nanoseconds.
    sum: Counter,
}

impl Counters {
    /// An append ended.
    pub(super) fn ended(&self, outcome: AppendOutcome) {
        self.outcomes[outcome as usize].add(1);
    }

    /// A batch was tried, whatever came of it.
    pub(super) fn batch(&self, batch: &[Append], time: Duration, result: &Result<Vec<Verdict>, CommitError>) {
        self.batch_appends.count(batch.len());
        self.batch_time.time(time);
        match result {
            Ok(verdicts) => {
                let appended = |(append, verdict): (&Append, &Verdict)| match verdict {
                    Verdict::Appended(_) => append.events.len(),
                    Verdict::Rejected(_) => 0,
                };
                self.events.add(batch.iter().zip(verdicts).map(appended).sum());
            }
            Err(CommitError::Unknown(_)) => self.unknown.add(batch.len()),
            Err(
                CommitError::Mismatch
                | CommitError::Transient(_)
                | CommitError::NotExecuted(_)
                | CommitError::Refused(_),
            ) => self.not_executed.add(1),
        }
    }

    /// It is known now what became of a batch.
    pub(super) fn settled(&self, batch: &[Append], found: &[Option<Appended>]) {
        for (append, found) in batch.iter().zip(found) {
            if found.is_some() {
                self.settled_executed.add(1);
                self.events.add(append.events.len());
            } else {
                self.settled_not_executed.add(1);
            }
        }
    }

    pub(super) fn stats(&self, queued: usize, waiting_max: usize) -> AppendStats {
        AppendStats {
            waiting: queued as u64 + self.taken.get(),
            waiting_max: waiting_max as u64,
            outcomes: AppendOutcome::ALL.map(|outcome| self.outcomes[outcome as usize].get()),
            events: self.events.get(),
            batch_appends: self.batch_appends.distribution(&BATCH_BOUNDS, 1.0),
            batch_seconds: self.batch_time.distribution(&TIME_BOUNDS, NANOSECOND),
            judged: self.judged.get(),
            mismatches: self.mismatches.get(),
            transients: self.transients.get(),
            not_executed: self.not_executed.get(),
            unknown: self.unknown.get(),
            settled_executed: self.settled_executed.get(),
            settled_not_executed: self.settled_not_executed.get(),
            settle_failures: self.settle_failures.get(),
        }
    }
}

const NANOSECOND: f64 = 1e-9;

impl Counter {
    pub(super) fn add(&self, more: usize) {
        self.0.fetch_add(more as u64, Ordering::Relaxed);
    }

    pub(super) fn set(&self, value: usize) {
        self.0.store(value as u64, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Buckets<{ BATCH_BOUNDS.len() }> {
    fn count(&self, appends: usize) {
        #[expect(clippy::cast_precision_loss, reason = "a batch has a thousand appends at most")]
        self.put(&BATCH_BOUNDS, appends as f64, appends);
    }
}

impl Buckets<{ TIME_BOUNDS.len() }> {
    fn time(&self, time: Duration) {
        let nanoseconds = usize::try_from(time.as_nanos()).unwrap_or(usize::MAX);
        self.put(&TIME_BOUNDS, time.as_secs_f64(), nanoseconds);
    }
}

impl<const N: usize> Buckets<N> {
    fn put(&self, bounds: &[f64; N], value: f64, summand: usize) {
        let range = bounds.iter().position(|bound| value <= *bound);
        range.map_or(&self.beyond, |range| &self.ranges[range]).add(1);
        self.sum.add(summand);
    }

    #[expect(clippy::cast_precision_loss, reason = "a sum is read for its size, not to the last digit")]
    fn distribution(&self, bounds: &'static [f64; N], unit: f64) -> Distribution {
        let counts = self.ranges.iter().chain([&self.beyond]).map(Counter::get).collect();
        Distribution { bounds, counts, sum: self.sum.get() as f64 * unit }
    }
}

impl<const N: usize> Default for Buckets<N> {
    fn default() -> Self {
        Self {
            ranges: std::array::from_fn(|_| Counter::default()),
            beyond: Counter::default(),
            sum: Counter::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_on_a_bound_belongs_below_it() {
        let counters = Counters::default();
        for appends in [1, 2, 3, 1024, 1025] {
            counters.batch_appends.count(appends);
        }
        counters.batch_time.time(Duration::from_millis(1));
        counters.batch_time.time(Duration::from_mins(1));
        let stats = counters.stats(0, 1);
        assert_eq!(stats.batch_appends.counts, [1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 1, 1]);
        assert_eq!(stats.batch_appends.sum.to_string(), "2055");
        assert_eq!(stats.batch_seconds.counts, [0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
        assert_eq!(format!("{:.3}", stats.batch_seconds.sum), "60.001");
    }
}
