//! Ordered group commit: the one task of a process that appends.
//!
//! It takes whatever waits, never lingers for more, and commits it as one batch. A second command on the same stream,
//! claim or request id waits for the next batch. A command that must be refused never fails its batch mates.

mod batch;
mod clock;
mod counters;
mod health;
mod hold;
mod known_head;
mod queue;
mod releases;
mod task;

use std::convert::Infallible;
use std::future::{self, Future};

pub use health::{Health, Look};
pub use hold::Hold;
pub use known_head::KnownHead;
pub use queue::AppendQueue;
pub use releases::{Layout, Releases};
pub use task::{Inbox, run};

use crate::{Append, Appended, BoxError, Rejection, WriterRefusal};

/// What an adapter gives the append task: a way to commit a batch, and to find out what became of one.
pub trait BatchWriter: Send + Sized + 'static {
    /// Commits the batch as one transaction under the append lock. No two appends of it share a stream, a claim or a
    /// request id. Answers with a verdict for each append, in order.
    ///
    /// With [`CommitMode::Optimistic`] the writer may assume that all appends will be accepted, and answer
    /// [`CommitError::Mismatch`], with nothing committed, if one of them is not.
    fn commit(
        &mut self,
        batch: &[Append],
        mode: CommitMode,
    ) -> impl Future<Output = Result<Vec<Verdict>, CommitError>> + Send;

    /// Finds out, under the append lock, which appends of a batch with an unknown outcome took place. When it has
    /// answered, no remainder of the earlier attempt can take place any more. An error means that nobody can tell yet;
    /// the writer waits a little before it answers with one.
    fn settle(
        &mut self,
        batch: &[Append],
    ) -> impl Future<Output = Result<Vec<Option<Appended>>, BoxError>> + Send;

    /// Comes after a batch has been answered: lets its callers run, so that those who come back at once join the next
    /// batch. The writer may also do what they need not wait for.
    fn yield_to_callers(&mut self) -> impl Future<Output = ()> + Send;

    /// What the writer does while nothing waits. It never ends by itself: the task drops it as soon as something comes,
    /// which can be at any of its awaits.
    fn rest(&mut self) -> impl Future<Output = Infallible> + Send {
        future::pending()
    }
}

/// How sure the append task is that a batch holds nothing to refuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommitMode {
    /// Plain inserts; a mismatch fails the whole batch, which is then judged.
    Optimistic,
    /// A verdict on each append first, then the accepted ones, under one lock.
    Judged,
}

/// What became of one append of a committed batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is durable.
    Appended(Appended),
    /// It is not there, by the rules.
    Rejected(Rejection),
}

/// Why a batch did not end in verdicts.
#[derive(Debug)]
pub enum CommitError {
    /// Nothing was committed: at least one append does not match what the store holds. Judge the batch.
    Mismatch,
    /// Nothing was committed, by bad luck (a deadlock). The same batch may succeed at once.
    Transient(BoxError),
    /// Nothing was committed: the store was not reached, or said no for a reason of its own.
    NotExecuted(BoxError),
    /// Nothing was committed, and this process will not be served.
    Refused(WriterRefusal),
    /// Committed or not: the answer was lost.
    Unknown(BoxError),
}
