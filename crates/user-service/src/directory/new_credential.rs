//! A credential that travels beside a command: the decider learns its kind, the vault its hash, the log neither.

use tokio::sync::OnceCell;
use user_domain::{CredentialAlgorithm, PasswordHash};

use crate::passwords::{Passwords, PlainPassword, Saturated};

/// What a command brings for the vault.
#[derive(Debug)]
pub enum NewCredential {
    /// Nothing.
    None,
    /// A password that is hashed once the command has been decided, and once only.
    Plain {
        /// The password.
        password: PlainPassword,
        /// Its hash, when there is one.
        hashed: OnceCell<PasswordHash>,
    },
    /// A hash that was made elsewhere.
    Hashed(PasswordHash),
}

impl NewCredential {
    /// A password in plain text.
    #[must_use]
    pub fn plain(password: PlainPassword) -> Self {
        Self::Plain { password, hashed: OnceCell::new() }
    }

    /// A hash of no password at all: nobody gets in until another is set.
    #[must_use]
    pub fn of_no_password(passwords: &Passwords) -> Self {
        Self::Hashed(passwords.hash_of_none())
    }

    /// How it is or will be hashed.
    #[must_use]
    pub fn algorithm(&self) -> CredentialAlgorithm {
        match self {
            Self::None | Self::Plain { .. } => CredentialAlgorithm::Argon2id,
            Self::Hashed(hash) => hash.algorithm(),
        }
    }

    /// The hash for the vault, if there is a credential.
    pub(super) async fn hash(&self, passwords: &Passwords) -> Result<Option<&PasswordHash>, Saturated> {
        match self {
            Self::None => Ok(None),
            Self::Plain { password, hashed } => {
                hashed.get_or_try_init(|| passwords.hash(password.copy())).await.map(Some)
            }
            Self::Hashed(hash) => Ok(Some(hash)),
        }
    }
}
