//! The one map from what went wrong to what a caller is told: code, stable reason, metadata.
//!
//! Internal text is logged here and never sent. A test prints the whole map.

use std::time::Duration;

use connectrpc::ErrorCode;
use cqrs::CommandError;
use cqrs::projection::NotReached;
use eventstore::{ReadError, Version};
use tracing::error;
use user_api::{ApiError, v1};
use user_domain::Refusal;

use crate::access::Denial;
use crate::feed::FeedError;
use crate::imports::ImportError;
use crate::projections::USER_HISTORY;
use crate::queries::{Absence, ExportError, QueryError, of_catalog};

/// Overload passes quickly, or not at all.
const PAUSE: Duration = Duration::from_millis(500);

/// Streams stay open for minutes and hours.
const LONG_PAUSE: Duration = Duration::from_secs(10);

pub(super) fn of_command(failure: CommandError<Refusal>) -> ApiError {
    let text = failure.to_string();
    match failure {
        CommandError::Refused(refusal) => of_refusal(refusal),
        CommandError::PreconditionFailed { .. } => {
            ApiError::new(ErrorCode::Aborted, "ETAG_MISMATCH", "the user has changed since you read her")
                .with_violation("etag", "names a version that is no longer the current one")
        }
        CommandError::Contended => {
            ApiError::new(ErrorCode::Aborted, "CONTENDED", text).with_retry_delay(PAUSE)
        }
        CommandError::RequestReused => ApiError::new(ErrorCode::InvalidArgument, "REQUEST_ID_REUSED", text)
            .with_violation("request_id", "has been used for another request"),
        CommandError::Erased => ApiError::new(ErrorCode::NotFound, "ERASED", text),
        CommandError::Overloaded => overloaded(),
        CommandError::DeadlineBeforeStart => {
            ApiError::new(ErrorCode::DeadlineExceeded, "DEADLINE_BEFORE_START", text)
        }
        CommandError::StoreDown => store_down(),
        CommandError::WriterRefused(_) => ApiError::new(ErrorCode::Unavailable, "WRITER_REFUSED", text),
        CommandError::OutcomeUnknown => ApiError::new(ErrorCode::DeadlineExceeded, "OUTCOME_UNKNOWN", text),
        CommandError::Broken(cause) => broken(&*cause),
    }
}

pub(super) fn of_query(failure: &QueryError) -> ApiError {
    match failure {
        QueryError::Store(cause) => of_read(cause),
        QueryError::Overloaded => overloaded(),
        QueryError::TooManyAttempts { retry_after } => {
            ApiError::new(ErrorCode::ResourceExhausted, "TOO_MANY_ATTEMPTS", failure.to_string())
                .with_retry_delay(*retry_after)
        }
        QueryError::NotReached { head } => {
            ApiError::new(ErrorCode::OutOfRange, "POSITION_NOT_REACHED", failure.to_string())
                .with_metadata("head", head.to_string())
        }
        QueryError::ReplicaBehind { head } => {
            ApiError::new(ErrorCode::DeadlineExceeded, "REPLICA_BEHIND", failure.to_string())
                .with_metadata("head", head.to_string())
                .with_retry_delay(PAUSE)
        }
        QueryError::Projection { projection, cause } => of_projection(projection, cause),
        QueryError::BadToken(bad) => {
            ApiError::new(ErrorCode::InvalidArgument, "BAD_PAGE_TOKEN", bad.to_string())
                .with_violation("page_token", "was not given by this service for this request")
        }
        QueryError::History(_) | QueryError::Key(_) => broken(failure),
    }
}

pub(super) fn of_feed(failure: &FeedError) -> ApiError {
    let text = failure.to_string();
    match failure {
        FeedError::BadToken => ApiError::new(ErrorCode::InvalidArgument, "BAD_RESUME_TOKEN", text)
            .with_violation("resume_token", "was not given by this service"),
        FeedError::BeyondHead { head } => ApiError::new(ErrorCode::OutOfRange, "POSITION_NOT_REACHED", text)
            .with_metadata("head", head.to_string())
            .with_violation("after_position", "is beyond the head of the log"),
        FeedError::Diverged => ApiError::new(
            ErrorCode::FailedPrecondition,
            "LOG_DIVERGED",
            format!("{text}: forget what was made of the feed, and begin again with a snapshot"),
        ),
        FeedError::TooMany => {
            ApiError::new(ErrorCode::ResourceExhausted, "TOO_MANY_FEEDS", text).with_retry_delay(LONG_PAUSE)
        }
        // To a listener LOG_DIVERGED means to begin again with a snapshot, which is what cannot be had.
        FeedError::NoSnapshot(NotReached::Diverged(reason)) => {
            of_projection(USER_HISTORY.name, &NotReached::Paused(reason.clone()))
        }
        FeedError::NoSnapshot(cause) => of_projection(USER_HISTORY.name, cause),
        FeedError::Stopping => {
            ApiError::new(ErrorCode::Unavailable, "STOPPING", text).with_retry_delay(PAUSE)
        }
        FeedError::Read(cause) => of_query(cause),
    }
}

/// A projection that does not show what is asked of it. None of its reasons is the caller's to mend.
fn of_projection(projection: &str, cause: &NotReached) -> ApiError {
    let unavailable = |reason| {
        ApiError::new(ErrorCode::Unavailable, reason, cause_for_callers(cause))
            .with_metadata("projection", projection)
    };
    match cause {
        NotReached::Behind { at } => {
            ApiError::new(ErrorCode::DeadlineExceeded, "PROJECTION_BEHIND", cause_for_callers(cause))
                .with_metadata("projection", projection)
                .with_metadata("position", at.to_string())
                .with_retry_delay(PAUSE)
        }
        NotReached::Building { done, total } => unavailable("PROJECTION_BUILDING")
            .with_metadata("events_done", done.to_string())
            .with_metadata("events_total", total.to_string())
            .with_retry_delay(LONG_PAUSE),
        NotReached::Unknown => unavailable("PROJECTION_BUILDING").with_retry_delay(PAUSE),
        NotReached::Diverged(_) => {
            ApiError::new(ErrorCode::FailedPrecondition, "LOG_DIVERGED", cause_for_callers(cause))
                .with_metadata("projection", projection)
        }
        NotReached::Paused(_) => {
            ApiError::new(ErrorCode::FailedPrecondition, "PROJECTION_PAUSED", cause_for_callers(cause))
                .with_metadata("projection", projection)
        }
        NotReached::Store(cause) => of_catalog(cause).map_or_else(|| broken(cause), of_read),
    }
}

/// Why a projection is paused is the operator's to know.
fn cause_for_callers(cause: &NotReached) -> &'static str {
    match cause {
        NotReached::Behind { .. } => "what was asked for is not in this view yet",
        NotReached::Building { .. } | NotReached::Unknown => "this view is being built",
        NotReached::Diverged(_) => {
            "this view was made of a log that is not this one any more, and is to be rebuilt by an operator"
        }
        NotReached::Paused(_) => "this view does not go on until an operator has looked at it",
        NotReached::Store(_) => "the store cannot be asked",
    }
}

pub(super) fn of_export(failure: &ExportError) -> ApiError {
    let text = failure.to_string();
    match failure {
        ExportError::Query(cause) => of_query(cause),
        ExportError::TooMany => {
            ApiError::new(ErrorCode::ResourceExhausted, "TOO_MANY_EXPORTS", text).with_retry_delay(LONG_PAUSE)
        }
        ExportError::Stopping => {
            ApiError::new(ErrorCode::Unavailable, "STOPPING", text).with_retry_delay(PAUSE)
        }
        ExportError::BeyondHead { head } => {
            ApiError::new(ErrorCode::OutOfRange, "POSITION_NOT_REACHED", text)
                .with_metadata("head", head.to_string())
                .with_violation("after_position", "is beyond the head of the log")
        }
    }
}

pub(super) fn of_import(failure: ImportError) -> ApiError {
    let text = failure.to_string();
    match failure {
        ImportError::TooMany => {
            ApiError::new(ErrorCode::ResourceExhausted, "TOO_MANY_IMPORTS", text).with_retry_delay(LONG_PAUSE)
        }
        ImportError::Stopping => {
            ApiError::new(ErrorCode::Unavailable, "STOPPING", text).with_retry_delay(PAUSE)
        }
    }
}

/// Why a row of an import made nobody: how it ended, and what its caller is told.
pub(super) fn of_row(failure: CommandError<Refusal>) -> (v1::ImportOutcome, ApiError) {
    let outcome = match failure {
        CommandError::RequestReused => {
            let error = ApiError::new(
                ErrorCode::InvalidArgument,
                "ROW_REUSED",
                "another row of this number has come in by this import",
            );
            return (
                v1::ImportOutcome::Refused,
                error.with_violation("row", "has been used for another row"),
            );
        }
        CommandError::Refused(_) | CommandError::PreconditionFailed { .. } => v1::ImportOutcome::Refused,
        CommandError::Erased => v1::ImportOutcome::AlreadyImported,
        CommandError::Contended
        | CommandError::Overloaded
        | CommandError::DeadlineBeforeStart
        | CommandError::StoreDown
        | CommandError::WriterRefused(_)
        | CommandError::Broken(_) => v1::ImportOutcome::NotExecuted,
        CommandError::OutcomeUnknown => v1::ImportOutcome::Unknown,
    };
    (outcome, of_command(failure))
}

pub(super) fn of_read(failure: &ReadError) -> ApiError {
    match failure {
        ReadError::StoreDown(_) => {
            error!(error = %chain(failure), "a read could not reach the store");
            store_down()
        }
        ReadError::Corrupt(_) | ReadError::Malformed(_) => broken(failure),
    }
}

pub(super) fn of_refusal(refusal: Refusal) -> ApiError {
    let code = match refusal {
        Refusal::UserNotFound | Refusal::UserErased => ErrorCode::NotFound,
        Refusal::UserDeleted | Refusal::UserSuspended | Refusal::UserNotActive | Refusal::NotDeleted => {
            ErrorCode::FailedPrecondition
        }
        Refusal::AlreadyExists
        | Refusal::EmailTaken
        | Refusal::UsernameTaken
        | Refusal::UsernameTooSimilar => ErrorCode::AlreadyExists,
        Refusal::UsernameReserved => ErrorCode::InvalidArgument,
        Refusal::WrongPassword => ErrorCode::PermissionDenied,
        Refusal::CredentialChanged => ErrorCode::Aborted,
    };
    let error = ApiError::new(code, refusal.reason(), refusal.to_string());
    match refusal {
        Refusal::EmailTaken => error.with_violation("email", "belongs to another user"),
        Refusal::UsernameTaken => error.with_violation("username", "belongs to another user"),
        // Whose it looks like is not said: she may be deleted, and nobody's to find.
        Refusal::UsernameTooSimilar => {
            error.with_violation("username", "looks like the name of another user")
        }
        Refusal::UsernameReserved => error.with_violation(
            "username",
            "is kept for those who speak for the service, or looks like one that is",
        ),
        Refusal::WrongPassword => error.with_violation("old_password", "is not the user's password"),
        Refusal::UserNotFound
        | Refusal::UserErased
        | Refusal::UserDeleted
        | Refusal::UserSuspended
        | Refusal::UserNotActive
        | Refusal::NotDeleted
        | Refusal::AlreadyExists
        | Refusal::CredentialChanged => error,
    }
}

/// Somebody who is not let in, or not that far.
pub(crate) fn of_denial(denial: &Denial) -> ApiError {
    let text = denial.to_string();
    match denial {
        Denial::Missing => ApiError::new(ErrorCode::Unauthenticated, "MISSING_TOKEN", text),
        Denial::Malformed(_) | Denial::Unknown => {
            ApiError::new(ErrorCode::Unauthenticated, "INVALID_TOKEN", text)
        }
        Denial::Expired => ApiError::new(ErrorCode::Unauthenticated, "TOKEN_EXPIRED", text),
        Denial::ScopeMissing { scope, method } => {
            ApiError::new(ErrorCode::PermissionDenied, "SCOPE_MISSING", text)
                .with_metadata("scope", scope.as_str())
                .with_metadata("method", *method)
        }
        Denial::Overloaded => overloaded(),
        Denial::Unavailable(cause) => of_read(cause),
    }
}

/// A look at the past that came before its user, or at nobody.
pub(super) fn of_absence(absence: Absence) -> ApiError {
    match absence {
        Absence::Never => of_refusal(Refusal::UserNotFound),
        Absence::NotYet => ApiError::new(
            ErrorCode::NotFound,
            "USER_NOT_YET_CREATED",
            "the user had not been created by then",
        ),
    }
}

/// A version that a user has not come to.
pub(super) fn version_not_reached(last: Version) -> ApiError {
    ApiError::new(ErrorCode::OutOfRange, "VERSION_NOT_REACHED", "the user has not reached this version")
        .with_metadata("version", last.to_string())
        .with_violation("version", "is beyond the user's last event")
}

/// Not executed, and not here. Another instance writes.
pub(super) fn read_only() -> ApiError {
    let text = "this instance only reads: call one that writes";
    ApiError::new(ErrorCode::FailedPrecondition, "READ_ONLY", text)
}

fn overloaded() -> ApiError {
    ApiError::new(ErrorCode::ResourceExhausted, "OVERLOADED", "too much is under way").with_retry_delay(PAUSE)
}

fn store_down() -> ApiError {
    ApiError::new(ErrorCode::Unavailable, "STORE_DOWN", "the store cannot be reached").with_retry_delay(PAUSE)
}

fn broken(cause: &(dyn std::error::Error + 'static)) -> ApiError {
    error!(error = %chain(cause), "a request met something broken");
    ApiError::new(ErrorCode::Internal, "INTERNAL", "something is broken here; it has been logged")
}

/// An error with all its causes, on one line.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests;
