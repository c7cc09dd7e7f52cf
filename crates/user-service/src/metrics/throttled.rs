//! Attempts at passwords that had to wait.

use std::sync::atomic::{AtomicU64, Ordering};

use super::catalogue as of;
use super::sheet::Sheet;

/// For whose sake an attempt had to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Throttled {
    /// The one who was asked for.
    User,
    /// The one who asks.
    Caller,
}

/// How many had to.
#[derive(Debug, Default)]
pub struct ThrottledAttempts {
    user: AtomicU64,
    caller: AtomicU64,
}

impl ThrottledAttempts {
    /// One more.
    pub fn count(&self, throttled: Throttled) {
        let counter = match throttled {
            Throttled::User => &self.user,
            Throttled::Caller => &self.caller,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn read(&self, sheet: &mut Sheet) {
        let counts = [("user", &self.user), ("caller", &self.caller)];
        let counts = counts.map(|(by, counter)| (by, counter.load(Ordering::Relaxed)));
        sheet.put_each(&of::PASSWORD_THROTTLED, counts);
    }
}
