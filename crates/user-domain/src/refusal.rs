//! Why the domain says no. One map in the service turns each into a status code.

use crate::values::{Email, Username};

/// A command that was understood and not carried out. Nothing has changed.
///
/// Three of them are not decided here: `EmailTaken`, `UsernameTaken` and `UsernameTooSimilar` come from the claims in the append's transaction.
/// They stand here so that one map covers every refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// There is no user of this id, and never was. Check the id.
    #[error("there is no such user")]
    UserNotFound,
    /// The user has been erased for good. Forget the id; it is never used again.
    #[error("the user has been erased")]
    UserErased,
    /// The user is deleted. Restore her first, or erase her.
    #[error("the user is deleted")]
    UserDeleted,
    /// The user is suspended, which neither activating nor deactivating may hide. Reinstate her first.
    #[error("the user is suspended")]
    UserSuspended,
    /// Only active users change their own password. Activate or reinstate her first, or set it as an administrator.
    #[error("the user is not active")]
    UserNotActive,
    /// Only a deleted user can be erased. Delete her first.
    #[error("the user is not deleted")]
    NotDeleted,
    /// The id is a user's already, perhaps a deleted one's. Create with a fresh id.
    #[error("a user of this id exists already")]
    AlreadyExists,
    /// Another user has this e-mail address, perhaps a deleted one. Choose another address.
    #[error("the e-mail address is taken")]
    EmailTaken,
    /// Another user has this username, perhaps a deleted one. Choose another name.
    #[error("the username is taken")]
    UsernameTaken,
    /// The name looks like that of another user, perhaps a deleted one: people could not tell them apart. Choose another name.
    #[error("the username looks like another user's")]
    UsernameTooSimilar,
    /// The name, or one that looks like it, is kept for those who speak for the service. Choose another name.
    #[error("the username is reserved")]
    UsernameReserved,
    /// The old password is not the user's. Ask her again.
    #[error("the old password is wrong")]
    WrongPassword,
    /// The password was changed while the old one was being verified. Verify again, against the new one.
    #[error("the password has been changed in the meantime")]
    CredentialChanged,
}

impl Refusal {
    /// All of them, for tables and tests.
    pub const ALL: [Self; 13] = [
        Self::UserNotFound,
        Self::UserErased,
        Self::UserDeleted,
        Self::UserSuspended,
        Self::UserNotActive,
        Self::NotDeleted,
        Self::AlreadyExists,
        Self::EmailTaken,
        Self::UsernameTaken,
        Self::UsernameTooSimilar,
        Self::UsernameReserved,
        Self::WrongPassword,
        Self::CredentialChanged,
    ];

    /// A stable name for programs; part of the contract.
    pub fn reason(self) -> &'static str {
        match self {
            Self::UserNotFound => "USER_NOT_FOUND",
            Self::UserErased => "USER_ERASED",
            Self::UserDeleted => "USER_DELETED",
            Self::UserSuspended => "USER_SUSPENDED",
            Self::UserNotActive => "USER_NOT_ACTIVE",
            Self::NotDeleted => "USER_NOT_DELETED",
            Self::AlreadyExists => "USER_ALREADY_EXISTS",
            Self::EmailTaken => "EMAIL_TAKEN",
            Self::UsernameTaken => "USERNAME_TAKEN",
            Self::UsernameTooSimilar => "USERNAME_CONFUSABLE",
            Self::UsernameReserved => "USERNAME_RESERVED",
            Self::WrongPassword => "WRONG_PASSWORD",
            Self::CredentialChanged => "CREDENTIAL_CHANGED",
        }
    }

    /// What it means that a claim of this scope is owned by another user; `None` for a scope that users do not have.
    pub fn of_taken_claim(scope: &str) -> Option<Self> {
        match scope {
            Email::SCOPE => Some(Self::EmailTaken),
            Username::SCOPE => Some(Self::UsernameTaken),
            Username::LOOK_ALIKE_SCOPE => Some(Self::UsernameTooSimilar),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_refusal_has_a_reason_of_its_own() {
        let reasons: BTreeSet<_> = Refusal::ALL.into_iter().map(Refusal::reason).collect();
        assert_eq!(reasons.len(), Refusal::ALL.len());
    }

    #[test]
    fn a_taken_claim_names_the_value_that_is_taken() {
        assert_eq!(Refusal::of_taken_claim("email.1"), Some(Refusal::EmailTaken));
        assert_eq!(Refusal::of_taken_claim("username.1"), Some(Refusal::UsernameTaken));
        assert_eq!(Refusal::of_taken_claim("username_look_alike.1"), Some(Refusal::UsernameTooSimilar));
        assert_eq!(Refusal::of_taken_claim("role.1"), None);
    }
}
