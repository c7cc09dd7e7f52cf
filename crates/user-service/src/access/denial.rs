//! Why somebody is not let in. None of it repeats what she has shown.

use eventstore::ReadError;
use thiserror::Error;
use user_domain::Scope;

/// Why a call is not answered.
#[derive(Debug, Error)]
pub enum Denial {
    /// Show a token.
    #[error("this service wants a token: `authorization: Bearer ust_…`")]
    Missing,
    /// Show one token, as it was given.
    #[error("this is no token of this service: {0}")]
    Malformed(&'static str),
    /// It was never given out, or it has been revoked: ask an operator for another.
    #[error("this token is not valid here")]
    Unknown,
    /// Ask an operator for another.
    #[error("this token has expired")]
    Expired,
    /// Use a token that is for this, or have certificates be for it.
    #[error("this takes the scope {}", .scope.as_str())]
    ScopeMissing {
        /// What the token is not for.
        scope: Scope,
        /// What was called.
        method: &'static str,
    },
    /// Too many show tokens that nobody has shown before. Retry after a pause.
    #[error("too many tokens are being looked up")]
    Overloaded,
    /// Nobody can tell whether the token is valid. Retry later.
    #[error("tokens cannot be looked up")]
    Unavailable(#[source] ReadError),
}
