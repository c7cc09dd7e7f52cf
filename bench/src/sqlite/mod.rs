//! The contenders on SQLite: ours, ours without waiting for the disk, and one transaction per command.

mod file;
mod ours;
mod single;

pub(crate) use eventstore_sqlite::Synchronous;
pub(crate) use ours::measure_ours;
pub(crate) use single::measure_single;

pub(crate) const FULL: Synchronous = Synchronous::Full;
pub(crate) const OFF: Synchronous = Synchronous::Off;
