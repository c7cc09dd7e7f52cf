//! Kinds of calls. Each kind has a share of its own of what is done at a time, so that none starves the others.

use connectrpc::{MethodDescriptor, MethodKind};

/// What a call asks of the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// It asks.
    Read,
    /// It changes.
    Write,
    /// It hashes a password, which takes longer than all else together.
    Password,
    /// It goes on. Its places are counted where it is told: see `FeedLimits` and `Exports`.
    Stream,
}

/// The calls that hash.
pub(super) const PASSWORDS: [&str; 4] = ["CreateUser", "ChangePassword", "SetPassword", "VerifyPassword"];

impl Kind {
    /// Of a method by its path, by what the contract says of it.
    pub(super) fn of(path: &str, method: &MethodDescriptor) -> Self {
        let name = path.rsplit('/').next().unwrap_or(path);
        if method.kind != MethodKind::Unary {
            Self::Stream
        } else if PASSWORDS.contains(&name) {
            Self::Password
        } else if method.idempotent {
            Self::Read
        } else {
            Self::Write
        }
    }

    /// Its label in the metrics.
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Password => "password",
            Self::Stream => "stream",
        }
    }
}
