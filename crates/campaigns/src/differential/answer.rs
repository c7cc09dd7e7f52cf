//! What a command came to, in a form that two stores and a model can be compared by.

use std::fmt;

use cqrs::{CommandError, Outcome};
use eventstore::{AggregateId, Position, Version};
use user_domain::{Refusal, User};

/// What a command came to.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Answer {
    Done {
        id: AggregateId,
        state: User,
        position: Position,
        replayed: bool,
    },
    Refused(Refusal),
    PreconditionFailed {
        actual: Version,
    },
    RequestReused,
    Erased,
    /// What must never be said while all is well.
    Trouble(String),
}

impl From<Result<Outcome<User>, CommandError<Refusal>>> for Answer {
    fn from(result: Result<Outcome<User>, CommandError<Refusal>>) -> Self {
        match result {
            Ok(Outcome { id, state, position, replayed }) => Self::Done { id, state, position, replayed },
            Err(CommandError::Refused(refusal)) => Self::Refused(refusal),
            Err(CommandError::PreconditionFailed { actual }) => Self::PreconditionFailed { actual },
            Err(CommandError::RequestReused) => Self::RequestReused,
            Err(CommandError::Erased) => Self::Erased,
            Err(CommandError::Broken(cause)) => Self::Trouble(format!("broken: {cause}")),
            Err(
                error @ (CommandError::Contended
                | CommandError::Overloaded
                | CommandError::DeadlineBeforeStart
                | CommandError::StoreDown
                | CommandError::WriterRefused(_)
                | CommandError::OutcomeUnknown),
            ) => Self::Trouble(error.to_string()),
        }
    }
}

/// Where it led, without what is personal.
impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done { id, state, position, replayed } => {
                let (version, status) = (state.version(), state.status().map_or("absent", |s| s.as_str()));
                let replayed = if *replayed { ", replayed" } else { "" };
                write!(f, "{id} {status} at version {version}, position {position}{replayed}")
            }
            Self::Refused(refusal) => write!(f, "refused: {}", refusal.reason()),
            Self::PreconditionFailed { actual } => write!(f, "at version {actual} already"),
            Self::RequestReused => f.write_str("the request id is another's"),
            Self::Erased => f.write_str("erased since"),
            Self::Trouble(trouble) => f.write_str(trouble),
        }
    }
}
