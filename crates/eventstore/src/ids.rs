//! The names that a log uses: where an event stands, which stream it belongs to, which log it came from.
//!
//! Each is a type of its own, because any two of them could be swapped by mistake.

use std::fmt;

use uuid::Uuid;

/// Where an event stands in the whole log: 1, 2, 3 … without gaps, in the order of commit.
///
/// `Position::START` (0) stands before the first event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(pub u64);

impl Position {
    /// Before the first event; the head of an empty log.
    pub const START: Self = Self(0);
}

/// How many events a stream holds after an event: 1, 2, 3 … without gaps.
///
/// `Version::NONE` (0) is the version of a stream that does not exist.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(pub u64);

impl Version {
    /// The stream does not exist.
    pub const NONE: Self = Self(0);

    /// The version that the next event of the stream gets.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// One stream of events: one aggregate. Never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AggregateId(pub Uuid);

/// One event, for ever. Made by the writer, so that it can find out whether a lost commit took place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId(pub Uuid);

/// One log, made at random when its store is made. A checkpoint from another log is not a checkpoint of this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LogId(pub Uuid);

/// A keyed hash of a value that one stream alone may own at a time (an e-mail address, a username).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClaimKey(pub Uuid);

/// A keyed hash of (principal, method, request id): one command as its client names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestKey(pub Uuid);

/// A keyed hash of what a request asked for, without its secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fingerprint(pub Uuid);

macro_rules! display_as_inner {
    ($($name:ident),*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

display_as_inner!(Position, Version, AggregateId, EventId, LogId);
