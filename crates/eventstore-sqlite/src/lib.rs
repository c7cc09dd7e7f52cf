//! The log in one SQLite file: the embedded store, and what `eventstore-postgres` does, done with one writer.
//!
//! One process owns the file. One thread writes; every other thread reads on connections of its own.

mod append;
mod backup;
mod connection;
mod inline;
mod migrate;
mod open;
mod options;
mod page;
#[cfg(test)]
mod plans;
mod projection;
mod read;
mod row;
mod settle;
mod store;
mod verdict;
mod wal;
mod writer;

pub use backup::{BackupError, BackupLimits, BackupProgress, back_up, check_pages};
pub use migrate::migrate;
pub use open::OpenError;
pub use options::{Access, Options, Synchronous};
pub use store::Store;
