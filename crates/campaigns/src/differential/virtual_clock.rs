//! The time of a script: it goes on in steps, stands still now and then, and sometimes goes back.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use eventstore::Clock;
use fastrand::Rng;
use jiff::Timestamp;

/// 2026-01-01T00:00:00Z, in microseconds.
const BEGINNING: i64 = 1_767_225_600_000_000;

/// What both stores and the model are shown.
#[derive(Clone, Debug)]
pub(super) struct VirtualClock(Arc<AtomicI64>);

impl VirtualClock {
    pub(super) fn new() -> Self {
        Self(Arc::new(AtomicI64::new(BEGINNING)))
    }

    /// The seam through which it is read.
    pub(super) fn clock(&self) -> Clock {
        let clock = self.clone();
        Clock::new(move || clock.now())
    }

    pub(super) fn now(&self) -> Timestamp {
        Timestamp::from_microsecond(self.0.load(Ordering::Relaxed)).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    pub(super) fn tick(&self, rng: &mut Rng) {
        let step = match rng.u8(..20) {
            0 | 1 => 0,
            2 => -rng.i64(0..1_000_000),
            _ => rng.i64(0..100_000),
        };
        self.0.fetch_add(step, Ordering::Relaxed);
    }
}
