//! What both adapters are opened with, besides their own address.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

/// A step of the product's own schema, in one dialect. Never edited after a release; the same number in both dialects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Migration {
    /// 1, 2, 3 …
    pub number: u32,
    /// `users`: a word or two in snake case.
    pub name: &'static str,
    /// The statements.
    pub sql: &'static str,
}

/// The seam through which tests give a store its time. A store without one asks its database, or its system.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    /// A clock that asks a function.
    pub fn new(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// The system's clock.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the system for the time")]
    pub fn system() -> Self {
        Self::new(Timestamp::now)
    }

    /// What it shows.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        (self.0)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

/// What a store does when it finds that its settings give up durability.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// It does not open.
    #[default]
    Required,
    /// It opens, and warns for as long as it runs.
    MayBeWeakened,
}
