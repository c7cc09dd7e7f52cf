//! What a store counts about itself: plain numbers since it was opened, for whoever watches it.
//!
//! Asking costs no look at the store.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::{AppendError, Appended, Rejection};

/// What a store has counted since it was opened.
#[derive(Clone, Debug, PartialEq)]
pub struct StoreStats {
    /// About appends; `None` in a store that is open for reading.
    pub appends: Option<AppendStats>,
    /// The connections that read.
    pub readers: ReaderStats,
    /// The statements that read the product's tables.
    pub statements: StatementStats,
}

/// Statements stay prepared on their connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StatementStats {
    /// Reads that found theirs.
    pub found: u64,
    /// Reads that had to prepare it.
    pub prepared: u64,
}

/// Counts them, for an adapter.
#[derive(Debug, Default)]
pub struct StatementCounts {
    found: AtomicU64,
    prepared: AtomicU64,
}

/// Connections that read, as they are now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReaderStats {
    /// Open, and not in use.
    pub idle: u64,
    /// In use.
    pub busy: u64,
    /// Reads that wait for one.
    pub waiting: u64,
}

/// What the append task of a process has done.
#[derive(Clone, Debug, PartialEq)]
pub struct AppendStats {
    /// Appends that wait for their batch now.
    pub waiting: u64,
    /// How many may wait before further ones are refused.
    pub waiting_max: u64,
    /// Every append that was asked for, by its end, in the order of [`AppendOutcome::ALL`].
    pub outcomes: [u64; AppendOutcome::ALL.len()],
    /// Events that were appended.
    pub events: u64,
    /// How many appends the batches had.
    pub batch_appends: Distribution,
    /// How long it took to commit them, in seconds, with all attempts.
    pub batch_seconds: Distribution,
    /// Batches of which each append was judged on its own.
    pub judged: u64,
    /// Attempts that were repeated because the batch did not match what the store held.
    pub mismatches: u64,
    /// Attempts that were repeated because of bad luck: a deadlock. And those after which rows of
    /// another layout are written.
    pub transients: u64,
    /// Batches that were not executed, because the store was not reached or said no.
    pub not_executed: u64,
    /// Appends whose batch ended without an answer.
    pub unknown: u64,
    /// Those of them that were found to be there.
    pub settled_executed: u64,
    /// Those of them that were found not to be there; they waited for another batch.
    pub settled_not_executed: u64,
    /// Attempts to find out that failed.
    pub settle_failures: u64,
}

/// How an append ended for its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AppendOutcome {
    /// It is durable.
    Appended,
    /// Its stream had moved on.
    Conflict,
    /// Another stream owns what it claims.
    ClaimTaken,
    /// Its request id had been used.
    Duplicate,
    /// Its rows were of a generation that the log did not take any more.
    LayoutMoved,
    /// Too many waited.
    Overloaded,
    /// Its deadline passed while it waited.
    DeadlineBeforeStart,
    /// The store was not reached.
    StoreDown,
    /// The store takes no appends from this process.
    WriterRefused,
    /// Nobody could tell before the deadline.
    Unknown,
    /// It contradicted itself.
    Malformed,
    /// Its caller went away before the answer.
    Abandoned,
}

/// How often values fell between bounds.
#[derive(Clone, Debug, PartialEq)]
pub struct Distribution {
    /// The upper bound of each range but the last, which has none. They belong to their ranges.
    pub bounds: &'static [f64],
    /// How many values fell into each range: one more than there are bounds.
    pub counts: Vec<u64>,
    /// The sum of all values.
    pub sum: f64,
}

impl StatementCounts {
    /// A read found its statement.
    pub fn found(&self) {
        self.found.fetch_add(1, Ordering::Relaxed);
    }

    /// A read had to prepare its statement.
    pub fn prepared(&self) {
        self.prepared.fetch_add(1, Ordering::Relaxed);
    }

    /// So far.
    #[must_use]
    pub fn stats(&self) -> StatementStats {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        StatementStats { found: read(&self.found), prepared: read(&self.prepared) }
    }
}

impl AppendStats {
    /// How many appends ended in one way.
    #[must_use]
    pub fn ended(&self, outcome: AppendOutcome) -> u64 {
        self.outcomes[outcome as usize]
    }
}

impl AppendOutcome {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Appended,
        Self::Conflict,
        Self::ClaimTaken,
        Self::Duplicate,
        Self::LayoutMoved,
        Self::Overloaded,
        Self::DeadlineBeforeStart,
        Self::StoreDown,
        Self::WriterRefused,
        Self::Unknown,
        Self::Malformed,
        Self::Abandoned,
    ];

    /// As a label.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Appended => "appended",
            Self::Conflict => "conflict",
            Self::ClaimTaken => "claim_taken",
            Self::Duplicate => "duplicate",
            Self::LayoutMoved => "layout_moved",
            Self::Overloaded => "overloaded",
            Self::DeadlineBeforeStart => "deadline_before_start",
            Self::StoreDown => "store_down",
            Self::WriterRefused => "writer_refused",
            Self::Unknown => "unknown",
            Self::Malformed => "malformed",
            Self::Abandoned => "abandoned",
        }
    }

    /// The one that an answer stands for.
    #[must_use]
    pub fn of(answer: &Result<Appended, AppendError>) -> Self {
        match answer {
            Ok(_) => Self::Appended,
            Err(AppendError::Rejected(Rejection::Conflict { .. })) => Self::Conflict,
            Err(AppendError::Rejected(Rejection::ClaimTaken { .. })) => Self::ClaimTaken,
            Err(AppendError::Rejected(Rejection::Duplicate(_))) => Self::Duplicate,
            Err(AppendError::Rejected(Rejection::LayoutMoved)) => Self::LayoutMoved,
            Err(AppendError::Overloaded) => Self::Overloaded,
            Err(AppendError::DeadlineBeforeStart) => Self::DeadlineBeforeStart,
            Err(AppendError::StoreDown) => Self::StoreDown,
            Err(AppendError::WriterRefused(_)) => Self::WriterRefused,
            Err(AppendError::OutcomeUnknown) => Self::Unknown,
            Err(AppendError::Malformed(_)) => Self::Malformed,
        }
    }
}

/// The bounds of batch sizes: each twice the one before, up to the largest batch.
pub const BATCH_BOUNDS: [f64; 11] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0];

/// The bounds of times of whatever should take milliseconds, in seconds.
pub const TIME_BOUNDS: [f64; 15] =
    [0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
