//! How writers call, and what they make of an error.

use std::time::Duration;

use connectrpc::ConnectError;

use crate::wire::{Failure, failure, may_be_asked_again};

/// What a writer is used to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Habits {
    pub(crate) retries: Retries,
    /// What she tells the service that she waits for; she waits longer, to see whether it keeps to that.
    pub(crate) deadline: Option<Duration>,
}

/// Which errors are not the end of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Retries {
    /// What nobody answered. Whoever hears that nothing was tried believes it, and asks for something else.
    OfTheUnanswered,
    /// Whatever callers are told to ask again: the rest is what a caller sees.
    AsPublished,
    /// None: a caller sees everything.
    Never,
}

/// What a writer makes of an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Opinion {
    /// It has not been done, and that is the end of it.
    Refused(String),
    /// It has not been done, and is asked for again.
    Again,
    /// Nobody knows, and it is asked for again.
    Unknown(String),
}

impl Habits {
    /// What is made of an error, after answers that failed to come or before.
    pub(super) fn judge(self, error: &ConnectError, unknown: bool) -> Opinion {
        let again = may_be_asked_again(error);
        match failure(error) {
            Failure::Unknown(reason) => Opinion::Unknown(reason),
            Failure::NotExecuted(_) if again && self.insists(unknown) => Opinion::Again,
            Failure::NotExecuted(reason) => Opinion::Refused(reason),
        }
    }

    /// Whether what was not tried is asked for again.
    fn insists(self, unknown: bool) -> bool {
        match self.retries {
            // Of what was sent before it says nothing.
            Retries::OfTheUnanswered => unknown,
            Retries::AsPublished | Retries::Never => true,
        }
    }

    /// Whether a caller with these habits sees an error that says nothing about what she asked for.
    pub(super) fn shows(self, error: &ConnectError) -> bool {
        match self.retries {
            Retries::OfTheUnanswered => self.deadline.is_some() && !may_be_asked_again(error),
            Retries::AsPublished => !may_be_asked_again(error),
            Retries::Never => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use connectrpc::ErrorCode;
    use user_api::ApiError;

    use super::*;

    fn said(code: ErrorCode, reason: &'static str) -> ConnectError {
        ApiError::new(code, reason, "").into()
    }

    #[test]
    fn who_believes_what_she_is_told_asks_again_only_for_what_may_have_been_done() {
        let habits = Habits { retries: Retries::OfTheUnanswered, deadline: None };
        let down = said(ErrorCode::Unavailable, "STORE_DOWN");
        assert_eq!(habits.judge(&down, false), Opinion::Refused("STORE_DOWN".to_owned()));
        assert_eq!(habits.judge(&down, true), Opinion::Again);
        let taken = said(ErrorCode::AlreadyExists, "EMAIL_TAKEN");
        assert_eq!(habits.judge(&taken, true), Opinion::Refused("EMAIL_TAKEN".to_owned()));
    }

    #[test]
    fn who_retries_as_she_is_told_sees_nothing_of_what_passes() {
        let (habits, never) = (
            Habits { retries: Retries::AsPublished, deadline: None },
            Habits { retries: Retries::Never, deadline: None },
        );
        let (down, broken) =
            (said(ErrorCode::Unavailable, "STORE_DOWN"), said(ErrorCode::Internal, "INTERNAL"));
        assert_eq!(habits.judge(&down, false), Opinion::Again);
        assert_eq!([habits.shows(&down), never.shows(&down), habits.shows(&broken)], [false, true, true]);
    }
}
