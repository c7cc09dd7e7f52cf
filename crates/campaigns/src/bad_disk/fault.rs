//! What befalls the disk, and how it passes.

use std::fmt;

use super::small::{Full, SmallDisk};
use crate::shim::Order;

/// What the system calls "input/output error".
const EIO: i64 = 5;

/// A sync takes so much longer: more than a hundred times as long as it should.
const SLOW_MICROSECONDS: i64 = 150_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Full,
    SyncFails,
    Slow,
}

impl Fault {
    pub(super) const ALL: [Self; 3] = [Self::Slow, Self::Full, Self::SyncFails];
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "the disk is full",
            Self::SyncFails => "no sync succeeds",
            Self::Slow => "each sync takes 150 ms longer",
        })
    }
}

/// Lets it happen.
pub(super) fn befall(fault: Fault, disk: &SmallDisk) -> anyhow::Result<Option<Full>> {
    match fault {
        Fault::Full => return Ok(Some(disk.fill()?)),
        Fault::SyncFails => disk.shim.order(Order::SyncError, EIO)?,
        Fault::Slow => disk.shim.order(Order::SyncMicroseconds, SLOW_MICROSECONDS)?,
    }
    Ok(None)
}

/// Lets it pass.
pub(super) async fn pass(disk: &SmallDisk, full: Option<Full>) -> anyhow::Result<()> {
    if let Some(full) = full {
        disk.make_room(full).await?;
    }
    disk.shim.order(Order::SyncError, 0)?;
    disk.shim.order(Order::SyncMicroseconds, 0)
}
