//! What an operator should know: noted where it happens, read by `warnings()`.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use eventstore::{Warning, WriterRefusal};

use crate::clock::Watch;

/// Shared by everything that belongs to one store.
#[derive(Debug)]
pub(crate) struct Health {
    watch: Mutex<Watch>,
    too_old: AtomicBool,
    down: AtomicBool,
    weakened: Vec<String>,
}

impl Health {
    pub(crate) fn new(watch: Watch, weakened: Vec<String>) -> Self {
        let (too_old, down) = (AtomicBool::new(false), AtomicBool::new(false));
        Self { watch: Mutex::new(watch), too_old, down, weakened }
    }

    pub(crate) fn watch(&self) -> MutexGuard<'_, Watch> {
        self.watch.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether there is a connection for appends.
    pub(crate) fn reached(&self, reached: bool) {
        self.down.store(!reached, Ordering::Relaxed);
    }

    /// Whether the store takes appends from this process.
    pub(crate) fn admitted(&self, admitted: bool) {
        self.too_old.store(!admitted, Ordering::Relaxed);
    }

    pub(crate) fn warnings(&self) -> Vec<Warning> {
        let mut warnings: Vec<_> = self.watch().warnings().collect();
        if self.too_old.load(Ordering::Relaxed) {
            warnings.push(Warning::WriterRefused(WriterRefusal::TooOld));
        }
        if self.down.load(Ordering::Relaxed) {
            warnings.push(Warning::StoreDown);
        }
        warnings.extend(self.weakened.iter().cloned().map(Warning::Weakened));
        warnings
    }
}
