//! One command's worth of change, and every way in which appending it can end.
//!
//! All of it is committed together or not at all: events, claims, the request id, and rows of inline tables.

use std::collections::HashSet;
use std::error::Error as StdError;
use std::time::Instant;

use jiff::Timestamp;
use thiserror::Error;

use crate::{
    AggregateId, ClaimKey, Fingerprint, Metadata, NewEvent, Position, RequestKey, RowWrite, Version,
};

/// An error of a driver or of the operating system, for the log only.
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// What one command changes.
#[derive(Clone, Debug)]
pub struct Append {
    /// The kind of stream.
    pub aggregate_type: &'static str,
    /// The stream.
    pub aggregate_id: AggregateId,
    /// The version that the command was decided on. An append on any other is a conflict, also on a later one.
    pub expected: Version,
    /// In order. Empty for a command that changes nothing but wants its request id remembered.
    pub events: Vec<NewEvent>,
    /// Who caused it.
    pub metadata: Metadata,
    /// What the stream comes to own, or to own no longer.
    pub claims: ClaimChanges,
    /// Rows of inline tables, whole, as they are after the command. One row per table at most.
    pub rows: Vec<RowWrite>,
    /// The client's name for this command.
    pub request: Option<NewRequest>,
    /// What becomes of what projections hold about the stream.
    pub derived: Derived,
}

/// What becomes of the rows that projections, and their other generations, hold about a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Derived {
    /// They stay: projections follow in their own time.
    #[default]
    Kept,
    /// What is personal in them goes, in the append's own transaction. It needs no projection to be running.
    Erased,
}

/// Differences of what a stream owns. A key that does not change is not touched, and none is touched twice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClaimChanges {
    /// Owned from now on.
    pub taken: Vec<ClaimKey>,
    /// Owned instead of another.
    pub moved: Vec<ClaimMove>,
    /// Owned no longer.
    pub released: Vec<ClaimKey>,
}

/// One claim in place of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClaimMove {
    /// What the stream owned.
    pub from: ClaimKey,
    /// What it owns instead.
    pub to: ClaimKey,
}

impl ClaimChanges {
    /// Every key that these changes touch, wanted or given up.
    pub fn keys(&self) -> impl Iterator<Item = ClaimKey> {
        let moved = self.moved.iter().flat_map(|m| [m.from, m.to]);
        self.taken.iter().copied().chain(moved).chain(self.released.iter().copied())
    }

    /// Every key that the stream wants and nobody else may own.
    pub fn wanted(&self) -> impl Iterator<Item = ClaimKey> {
        self.taken.iter().copied().chain(self.moved.iter().map(|m| m.to))
    }

    /// Every key that the stream must own for these changes to make sense.
    pub fn given_up(&self) -> impl Iterator<Item = ClaimKey> {
        self.moved.iter().map(|m| m.from).chain(self.released.iter().copied())
    }
}

/// A request id on its way into the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewRequest {
    /// Who asked, for what, under which id.
    pub key: RequestKey,
    /// What was asked, without secrets.
    pub fingerprint: Fingerprint,
}

/// A request id that the log remembers: enough to rebuild the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestRecord {
    /// What was asked, without secrets.
    pub fingerprint: Fingerprint,
    /// The stream that it changed.
    pub aggregate_id: AggregateId,
    /// The stream's version after it.
    pub version: Version,
    /// The log's position after it.
    pub position: Position,
}

/// An append that is durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Where its last event stands; where the log stood if it held none.
    pub position: Position,
    /// The stream's version after it.
    pub version: Version,
    /// The time that all its events carry.
    pub recorded_at: Timestamp,
}

/// When the caller stops waiting. It binds the wait, not the statement: an append that has begun is not torn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(pub Instant);

/// Why an append did not end in [`Appended`].
#[derive(Debug, Error)]
pub enum AppendError {
    /// Not appended, by the rules: see [`Rejection`].
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// Not executed: too many appends wait. Back off, then retry.
    #[error("the append queue is full")]
    Overloaded,
    /// Not executed: the deadline passed before the append's batch was formed. Retry with more time.
    #[error("the deadline passed before the append began")]
    DeadlineBeforeStart,
    /// Not executed: the store cannot be reached or is shutting down. Retry later.
    #[error("the store is down")]
    StoreDown,
    /// Not executed, and no retry in this process will be: see [`WriterRefusal`].
    #[error(transparent)]
    WriterRefused(#[from] WriterRefusal),
    /// Executed or not: nobody can tell before the deadline. Retry with the same request id, it settles the question.
    #[error("nobody can tell whether the append took place")]
    OutcomeUnknown,
    /// Not executed: the append contradicts itself or its table declarations. A bug in the caller.
    #[error("the append is malformed: {0}")]
    Malformed(String),
}

/// A verdict on one append, given under the append lock. Its batch mates are not affected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Rejection {
    /// The stream is at another version: load it again, decide again.
    #[error("the stream is at version {actual}")]
    Conflict {
        /// Where the stream stands.
        actual: Version,
    },
    /// Another stream owns a key that this one wants.
    #[error("a claim is taken by {owner}")]
    ClaimTaken {
        /// The key.
        key: ClaimKey,
        /// Who owns it.
        owner: AggregateId,
    },
    /// The request id has been used: this is what it did.
    #[error("the request id has been used")]
    Duplicate(RequestRecord),
    /// The log takes rows of another generation by now, and this writer knows it: ask again which one to write
    /// (`EventStore::writes`), load again, decide again.
    #[error("the rows are of a generation that the log does not take now")]
    LayoutMoved,
}

/// Why a store takes no appends from this process at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum WriterRefusal {
    /// The store's writer floor or the generation of an inline table has moved past this binary: upgrade it.
    #[error("this writer is older than the store allows")]
    TooOld,
    /// The clock jumped forward by more than an hour against the monotonic clock: set it right, or accept it.
    #[error("the clock jumped forward by more than an hour")]
    ClockJumped,
}

impl Append {
    /// Whether it makes sense by itself. Checked before it is queued: a malformed append would fail its batch mates.
    pub fn check(&self) -> Result<(), AppendError> {
        let malformed = |what: String| Err(AppendError::Malformed(what));
        if self.events.is_empty() && (self.request.is_none() || !self.rows.is_empty()) {
            return malformed("no events, and nothing else to remember".to_owned());
        }
        let mut touched = HashSet::new();
        if !self.claims.keys().all(|key| touched.insert(key)) {
            return malformed("one claim is touched twice".to_owned());
        }
        for (n, write) in self.rows.iter().enumerate() {
            if self.rows[..n].iter().any(|other| other.table == write.table) {
                return malformed(format!("two rows for {}", write.table.name));
            }
            if !write.fits(self.aggregate_id) {
                return malformed(format!("a row does not fit {}", write.table.name));
            }
        }
        Ok(())
    }

    /// The stream's version after it.
    #[must_use]
    pub fn version_after(&self) -> Version {
        Version(self.expected.0 + self.events.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::RequestKey;

    fn checked(claims: ClaimChanges) -> Result<(), AppendError> {
        let (key, fingerprint) = (RequestKey(Uuid::nil()), Fingerprint(Uuid::nil()));
        let append = Append {
            aggregate_type: "document",
            aggregate_id: AggregateId(Uuid::nil()),
            expected: Version::NONE,
            events: Vec::new(),
            metadata: Metadata::default(),
            claims,
            rows: Vec::new(),
            request: Some(NewRequest { key, fingerprint }),
            derived: Derived::Kept,
        };
        append.check()
    }

    #[test]
    fn an_append_that_touches_a_claim_twice_is_malformed() {
        let key = |n| ClaimKey(Uuid::from_u128(n));
        let moved = |from, to| vec![ClaimMove { from: key(from), to: key(to) }];
        let none = ClaimChanges::default;
        let fine = ClaimChanges { taken: vec![key(1)], moved: moved(2, 3), released: vec![key(4)] };
        assert!(checked(fine).is_ok());
        for twice in [
            ClaimChanges { moved: moved(1, 1), ..none() },
            ClaimChanges { taken: vec![key(1), key(1)], ..none() },
            ClaimChanges { taken: vec![key(1)], released: vec![key(1)], ..none() },
            ClaimChanges { taken: vec![key(2)], moved: moved(1, 2), ..none() },
        ] {
            let result = checked(twice);
            assert!(matches!(result, Err(AppendError::Malformed(_))), "{result:?}");
        }
    }
}
