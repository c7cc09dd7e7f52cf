//! The one map from what went wrong to what a caller is told: code, stable reason, metadata.
//!
//! Internal text is logged here and never sent. A test prints the whole map.

use std::time::Duration;

use connectrpc::ErrorCode;
use cqrs::CommandError;
use eventstore::ReadError;
use tracing::error;
use user_api::ApiError;
use user_domain::Refusal;

use crate::queries::QueryError;

/// Overload passes quickly, or not at all.
const PAUSE: Duration = Duration::from_millis(500);

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
        QueryError::BadToken(bad) => {
            ApiError::new(ErrorCode::InvalidArgument, "BAD_PAGE_TOKEN", bad.to_string())
                .with_violation("page_token", "was not given by this service for this request")
        }
        QueryError::History(_) | QueryError::Key(_) => broken(failure),
    }
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
        Refusal::AlreadyExists | Refusal::EmailTaken | Refusal::UsernameTaken => ErrorCode::AlreadyExists,
        Refusal::WrongPassword => ErrorCode::PermissionDenied,
        Refusal::CredentialChanged => ErrorCode::Aborted,
    };
    let error = ApiError::new(code, refusal.reason(), refusal.to_string());
    match refusal {
        Refusal::EmailTaken => error.with_violation("email", "belongs to another user"),
        Refusal::UsernameTaken => error.with_violation("username", "belongs to another user"),
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
