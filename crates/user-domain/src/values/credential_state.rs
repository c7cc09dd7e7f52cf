//! Which credential of a user counts: its version and algorithm, never the credential itself, which the vault keeps.

use serde::{Deserialize, Serialize};

use crate::events::wire;

/// Which credential counts, as events write it and as the vault must hold it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CredentialState {
    /// 1 for the first, one more with each change. Hashing the same password again is not a change.
    pub version: u32,
    /// How it was hashed when it was changed; the vault may since have hashed it again.
    #[serde(with = "wire")]
    pub algorithm: CredentialAlgorithm,
}

impl CredentialState {
    /// A new user's.
    pub fn first(algorithm: CredentialAlgorithm) -> Self {
        Self { version: 1, algorithm }
    }

    /// The one that replaces this. Four billion changes of one password do not happen; it would stay at the last.
    pub(crate) fn replaced_by(self, algorithm: CredentialAlgorithm) -> Self {
        Self { version: self.version.saturating_add(1), algorithm }
    }

    /// For a listing: `1 argon2id`.
    pub(crate) fn describe(self) -> String {
        format!("{} {}", self.version, self.algorithm.as_str())
    }
}

/// How a password is hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CredentialAlgorithm {
    /// RFC 9106; what we make.
    Argon2id,
    /// What imports bring.
    Bcrypt,
}

impl CredentialAlgorithm {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Argon2id, Self::Bcrypt];

    /// As events and tables write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Argon2id => "argon2id",
            Self::Bcrypt => "bcrypt",
        }
    }

    /// Back from what `as_str` gives.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.as_str() == text)
    }
}
