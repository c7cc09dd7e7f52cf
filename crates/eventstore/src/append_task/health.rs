//! What an operator should know: computed from a look at the store when somebody asks.
//!
//! Nothing here waits for the next append to be cleared: an instance that is not ready gets none.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use super::clock::{ClockWatch, seconds_behind};
use crate::{Warning, WriterRefusal};

/// The little that a look at the store does not show. Shared by everything that belongs to one store.
#[derive(Debug)]
pub struct Health {
    clock: Mutex<ClockWatch>,
    unreachable: AtomicBool,
    weakened: Vec<String>,
}

/// What a look at the store shows.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// The clock that would stamp an append.
    pub clock: Timestamp,
    /// When the latest event was recorded.
    pub recorded_at: Option<Timestamp>,
    /// Whether the store takes appends from a writer like this one.
    pub admitted: bool,
}

impl Health {
    /// What its clock shows when a store is opened, and what was found to be weaker than promised, which stays.
    #[must_use]
    pub fn new(shown: Timestamp, weakened: Vec<String>) -> Self {
        Self { clock: Mutex::new(ClockWatch::start(shown)), unreachable: AtomicBool::new(false), weakened }
    }

    /// The latest time that a clock may show now and be believed; any if `None`.
    pub fn latest_believed(&self) -> Option<Timestamp> {
        self.clock().latest()
    }

    /// Looks at a time before an append is recorded with it.
    pub fn believe(&self, shown: Timestamp) -> Result<(), WriterRefusal> {
        let mut clock = self.clock();
        if !clock.believes(shown) {
            return Err(WriterRefusal::ClockJumped);
        }
        clock.saw(shown);
        Ok(())
    }

    /// The store has recorded an append with a time that [`Self::latest_believed`] allowed.
    pub fn saw(&self, shown: Timestamp) {
        self.clock().saw(shown);
    }

    /// Somebody says that the clock is right.
    pub fn accept_clock(&self) {
        self.clock().accept();
    }

    /// Whether there is a connection for appends.
    pub fn reached(&self, reached: bool) {
        self.unreachable.store(!reached, Ordering::Relaxed);
    }

    /// What is wrong, after a look at the store; `None` if it could not be looked at.
    pub fn warnings(&self, look: Option<Look>) -> Vec<Warning> {
        let mut warnings = Vec::new();
        if let Some(Look { clock, recorded_at, admitted }) = look {
            let behind = recorded_at.and_then(|recorded_at| seconds_behind(recorded_at, clock));
            warnings.extend(behind.map(|seconds| Warning::ClockBehind { seconds }));
            if !self.clock().believes(clock) {
                warnings.push(Warning::WriterRefused(WriterRefusal::ClockJumped));
            }
            if !admitted {
                warnings.push(Warning::WriterRefused(WriterRefusal::TooOld));
            }
        }
        if look.is_none() || self.unreachable.load(Ordering::Relaxed) {
            warnings.push(Warning::StoreDown);
        }
        warnings.extend(self.weakened.iter().cloned().map(Warning::Weakened));
        warnings
    }

    fn clock(&self) -> MutexGuard<'_, ClockWatch> {
        // Nobody panics with it, and a plain value is never half written.
        self.clock.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
