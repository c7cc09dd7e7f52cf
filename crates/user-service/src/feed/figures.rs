//! What feeds have done, as plain counters for whoever shows them.

use std::sync::atomic::AtomicU64;

/// Counted since the start of the process; each is read and written with `Ordering::Relaxed`.
#[derive(Debug, Default)]
pub struct FeedFigures {
    /// Who listens now.
    pub subscribers: AtomicU64,
    /// Feeds that were not begun because too many were open.
    pub refused: AtomicU64,
    /// Events that were told, once for each who was told.
    pub events_told: AtomicU64,
    /// How often a listener was too slow for what is kept in memory.
    pub fell_behind: AtomicU64,
    /// Pages of history that were read for listeners who were behind.
    pub history_pages: AtomicU64,
    /// Reads of the end of the log, for all listeners together.
    pub tail_reads: AtomicU64,
    /// Feeds that ended because the log was not the one they had been reading.
    pub diverged: AtomicU64,
}
