//! Every way in which a command can fail, and what its caller should do about it.

use eventstore::{AppendError, BoxError, ReadError, Version, WriterRefusal};
use thiserror::Error;

/// Why a command did not succeed. "Not executed" and "unknown" are never mixed up.
#[derive(Debug, Error)]
pub enum CommandError<R> {
    /// Not executed: the domain said no. Retrying without a change of circumstances ends the same.
    #[error("refused")]
    Refused(#[source] R),
    /// Not executed: the aggregate is no longer at the version that the caller saw. Read it again, then decide again.
    #[error("the aggregate is at version {actual}")]
    PreconditionFailed {
        /// Where it stands.
        actual: Version,
    },
    /// Not executed: others kept changing the same aggregate. Retry.
    #[error("too many conflicts with other commands")]
    Contended,
    /// Not executed: the request id has been used for another request. A defect of the client.
    #[error("the request id has been used for another request")]
    RequestReused,
    /// Executed earlier, but the answer cannot be rebuilt: what it was about has been erased since.
    #[error("what the request was about has been erased")]
    Erased,
    /// Not executed: too much is under way. Retry after a pause.
    #[error("overloaded")]
    Overloaded,
    /// Not executed: the deadline passed before the change began. Retry with more time.
    #[error("the deadline passed before the change began")]
    DeadlineBeforeStart,
    /// Not executed: the store cannot be reached. Retry later.
    #[error("the store is down")]
    StoreDown,
    /// Not executed: this process may not write. Another instance may.
    #[error(transparent)]
    WriterRefused(WriterRefusal),
    /// Executed or not. Retry with the same request id: that settles it.
    #[error("nobody can tell whether the change took place")]
    OutcomeUnknown,
    /// Not executed: something here is broken. Wake someone.
    #[error("broken")]
    Broken(#[source] BoxError),
}

/// Why an aggregate could not be loaded or written. Nothing has been executed.
#[derive(Debug, Error)]
pub enum Fault {
    /// The store cannot be reached. Retry later.
    #[error("the store is down")]
    StoreDown(#[source] BoxError),
    /// Too much is under way. Retry after a pause.
    #[error("overloaded")]
    Overloaded,
    /// What is stored cannot be understood, or an invariant does not hold. Wake someone.
    #[error("broken")]
    Broken(#[source] BoxError),
}

impl From<ReadError> for Fault {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::StoreDown(_) => Self::StoreDown(error.into()),
            ReadError::Corrupt(_) | ReadError::Malformed(_) => Self::Broken(error.into()),
        }
    }
}

impl<R> From<Fault> for CommandError<R> {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::StoreDown(cause) => {
                tracing::warn!(%cause, "a command could not reach the store");
                Self::StoreDown
            }
            Fault::Overloaded => Self::Overloaded,
            Fault::Broken(cause) => Self::Broken(cause),
        }
    }
}

impl<R> CommandError<R> {
    /// How an append failed, but for its rejections: the bus settles those itself.
    pub(super) fn of_append(error: AppendError) -> Self {
        match error {
            AppendError::Overloaded => Self::Overloaded,
            AppendError::DeadlineBeforeStart => Self::DeadlineBeforeStart,
            AppendError::StoreDown => Self::StoreDown,
            AppendError::WriterRefused(refusal) => Self::WriterRefused(refusal),
            AppendError::OutcomeUnknown => Self::OutcomeUnknown,
            AppendError::Rejected(_) | AppendError::Malformed(_) => Self::Broken(error.into()),
        }
    }
}
