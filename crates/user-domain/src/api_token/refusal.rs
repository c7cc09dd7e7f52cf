//! Why something that is asked of a token is not done.

/// A command that was understood and not carried out. Nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum ApiTokenRefusal {
    /// There is no token of this id, and never was. Check the id.
    #[error("there is no such token")]
    TokenNotFound,
    /// The id has been used already. Create with a fresh one.
    #[error("a token of this id exists already")]
    TokenExists,
}
