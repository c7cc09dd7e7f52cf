//! The contenders on SQLite: ours, ours without waiting for the disk, one transaction per command, and the disk alone.

mod file;
mod ours;
mod single;
mod fdatasync;

pub(crate) use eventstore_sqlite::Synchronous;
pub(crate) use fdatasync::measure_fdatasync;
pub(crate) use file::File;
pub(crate) use ours::measure_ours;
pub(crate) use single::measure_single;

pub(crate) const FULL: Synchronous = Synchronous::Full;
pub(crate) const OFF: Synchronous = Synchronous::Off;
