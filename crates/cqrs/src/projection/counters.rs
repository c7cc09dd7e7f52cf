//! What this process counts while it works on a projection.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::Numbers;

/// The live form of [`Numbers`].
#[derive(Debug, Default)]
pub(super) struct Counters {
    events: AtomicU64,
    steps: AtomicU64,
    failures: AtomicU64,
    retries: AtomicU64,
    parked: AtomicU64,
    taken_over: AtomicU64,
    fenced: AtomicU64,
    last_step: AtomicU64,
    last_delay: AtomicU64,
    last_hold: AtomicU64,
}

impl Counters {
    pub(super) fn step(&self, events: usize, parked: usize, time: Duration) {
        self.events.fetch_add(events.saturating_sub(parked) as u64, Ordering::Relaxed);
        self.parked.fetch_add(parked as u64, Ordering::Relaxed);
        self.steps.fetch_add(1, Ordering::Relaxed);
        self.last_step.store(micros(time), Ordering::Relaxed);
    }

    pub(super) fn delay(&self, delay: Duration) {
        self.last_delay.store(micros(delay), Ordering::Relaxed);
    }

    pub(super) fn hold(&self, hold: Duration) {
        self.last_hold.store(micros(hold), Ordering::Relaxed);
    }

    pub(super) fn failure(&self) {
        self.failures.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn retry(&self) {
        self.retries.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn taken_over(&self) {
        self.taken_over.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn fenced(&self) {
        self.fenced.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn numbers(&self) -> Numbers {
        Numbers {
            events: self.events.load(Ordering::Relaxed),
            steps: self.steps.load(Ordering::Relaxed),
            failures: self.failures.load(Ordering::Relaxed),
            retries: self.retries.load(Ordering::Relaxed),
            parked: self.parked.load(Ordering::Relaxed),
            taken_over: self.taken_over.load(Ordering::Relaxed),
            fenced: self.fenced.load(Ordering::Relaxed),
            last_step_micros: self.last_step.load(Ordering::Relaxed),
            last_delay_micros: self.last_delay.load(Ordering::Relaxed),
            last_hold_micros: self.last_hold.load(Ordering::Relaxed),
        }
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
