//! Time and randomness that are the same in every run.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use eventstore::Clock;
use jiff::{SignedDuration, Timestamp};
use user_service::Sources;

/// New Year 2026.
const START: Timestamp = Timestamp::constant(1_767_225_600, 0);

/// What the log is given for its time: it stands still, so each append is a microsecond after the one before.
pub(crate) fn fixed_clock() -> Clock {
    Clock::new(|| START)
}

/// A clock that stands still until a test sets it.
#[derive(Clone)]
pub(crate) struct Dial(Arc<AtomicI64>);

impl Dial {
    pub(crate) fn new() -> Self {
        Self(Arc::new(AtomicI64::new(START.as_second())))
    }

    /// What the log is given for its time.
    pub(crate) fn clock(&self) -> Clock {
        let second = Arc::clone(&self.0);
        Clock::new(move || Timestamp::from_second(second.load(Ordering::SeqCst)).expect("it was one"))
    }

    /// From now on it shows this.
    pub(crate) fn set(&self, time: &str) {
        self.0.store(time.parse::<Timestamp>().expect("it is one").as_second(), Ordering::SeqCst);
    }
}

/// Randomness from a seed (splitmix64), and a clock for ids that goes on by a millisecond whenever it is read: ids that
/// are made one after the other are in order.
pub(crate) fn seeded(seed: u64) -> Sources {
    let (state, ticks) = (AtomicU64::new(seed), AtomicI64::new(0));
    let random = move |bytes: &mut [u8]| {
        for chunk in bytes.chunks_mut(8) {
            let mut z = state.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::SeqCst);
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            chunk.copy_from_slice(&(z ^ (z >> 31)).to_le_bytes()[..chunk.len()]);
        }
    };
    let clock = Clock::new(move || START + SignedDuration::from_millis(ticks.fetch_add(1, Ordering::SeqCst)));
    Sources::new(random, clock)
}
