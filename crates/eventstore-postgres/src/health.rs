//! What an operator should know: noted where it happens, read by `warnings()`.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use eventstore::{Warning, WriterRefusal};

/// Shared by everything that belongs to one store.
#[derive(Debug, Default)]
pub(crate) struct Health {
    /// What was found when the store was opened, and stays.
    pub(crate) weakened: Vec<String>,
    down: AtomicBool,
    seconds_behind: AtomicU64,
    refusal: Mutex<Option<WriterRefusal>>,
    clock_accepted: AtomicBool,
}

impl Health {
    pub(crate) fn new(weakened: Vec<String>) -> Self {
        Self { weakened, ..Self::default() }
    }

    /// Whether there is a connection for appends.
    pub(crate) fn reached(&self, reached: bool) {
        self.down.store(!reached, Ordering::Relaxed);
    }

    /// An append was taken.
    pub(crate) fn taken(&self, seconds_behind: Option<u64>) {
        self.seconds_behind.store(seconds_behind.unwrap_or(0), Ordering::Relaxed);
        *self.refusal() = None;
    }

    /// This process was refused.
    pub(crate) fn refused(&self, refusal: WriterRefusal) {
        *self.refusal() = Some(refusal);
    }

    /// Somebody says that the clock is right.
    pub(crate) fn accept_clock(&self) {
        self.clock_accepted.store(true, Ordering::Release);
        let mut refusal = self.refusal();
        if *refusal == Some(WriterRefusal::ClockJumped) {
            *refusal = None;
        }
    }

    /// Whether somebody has said so since this was last asked.
    pub(crate) fn take_clock_accepted(&self) -> bool {
        self.clock_accepted.swap(false, Ordering::AcqRel)
    }

    pub(crate) fn warnings(&self) -> Vec<Warning> {
        let behind = self.seconds_behind.load(Ordering::Relaxed);
        let behind = (behind > 0).then_some(Warning::ClockBehind { seconds: behind });
        let refusal = self.refusal().map(Warning::WriterRefused);
        let down = self.down.load(Ordering::Relaxed).then_some(Warning::StoreDown);
        let weakened = self.weakened.iter().cloned().map(Warning::Weakened);
        behind.into_iter().chain(refusal).chain(down).chain(weakened).collect()
    }

    fn refusal(&self) -> MutexGuard<'_, Option<WriterRefusal>> {
        // Nobody panics with it, and a plain value is never half written.
        self.refusal.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
