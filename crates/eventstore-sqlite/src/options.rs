//! What a store is opened with. The caller has read and checked its configuration; nothing here is looked up.

use std::path::PathBuf;

use eventstore::{Clock, Durability, InlineTable, Migration};

/// Where the store is, what stands in it besides the log, and what it must promise.
#[derive(Clone, Debug)]
pub struct Options {
    /// The file. Its directory must exist; SQLite puts a `-wal` and a `-shm` beside it, we put a `.lock`.
    pub path: PathBuf,
    /// The product's inline tables.
    pub tables: &'static [&'static InlineTable],
    /// Earlier generations of these tables, by the same names, that this binary can still write. It does for as long as
    /// the log says so: beside binaries of the release before.
    pub earlier: &'static [&'static InlineTable],
    /// The product's own schema. `{vault}.` in front of a table's name means "with the secrets"; see [`crate::migrate`].
    pub migrations: &'static [Migration],
    /// Where the time comes from; the system's clock if `None`.
    pub clock: Option<Clock>,
    /// What happens when a setting gives up durability.
    pub durability: Durability,
    /// How far a commit goes before it is acknowledged. Anything but `Full` is weaker than the log promises.
    pub synchronous: Synchronous,
    /// Whether this process owns the file.
    pub access: Access,
}

/// `PRAGMA synchronous`, for those who measure what it costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Synchronous {
    /// A commit is on the disk before it is acknowledged.
    #[default]
    Full,
    /// A power loss takes back the latest commits.
    Normal,
    /// A power loss takes back commits, and may corrupt the file.
    Off,
}

impl Synchronous {
    /// As SQLite calls it.
    pub(crate) fn setting(self) -> &'static str {
        match self {
            Self::Full => "FULL",
            Self::Normal => "NORMAL",
            Self::Off => "OFF",
        }
    }
}

/// What a process does with the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Access {
    /// It is the one process that writes, and reads.
    #[default]
    Owner,
    /// It reads beside the owner, or without one. Appends are answered with `StoreDown`.
    Reader,
}

impl Options {
    /// The store at a path with the log alone, durable, and ours.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            tables: &[],
            earlier: &[],
            migrations: &[],
            clock: None,
            durability: Durability::default(),
            synchronous: Synchronous::default(),
            access: Access::default(),
        }
    }
}
