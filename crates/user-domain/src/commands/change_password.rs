//! A user changes her own password, and shows that she knows the old one.

use super::{Command, Decision};
use crate::{CredentialAlgorithm, PasswordChangeKind, PasswordChanged, Refusal, Status, User};

/// A user changes her own password. Verifying the old one and hashing the new one take time and happen before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangePassword {
    /// What came of verifying the old one.
    pub old_password: OldPassword,
    /// How the new one was hashed.
    pub algorithm: CredentialAlgorithm,
}

/// What came of verifying the old password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OldPassword {
    /// It is not hers.
    Differs,
    /// It is hers, as far as this credential goes.
    Matches {
        /// The version of the credential that it was verified against.
        credential_version: u32,
    },
}

impl Command for ChangePassword {
    const NAME: &'static str = "change_password";

    /// Inactive and suspended users cannot: to change a password is to use the account. An administrator sets it.
    fn decide(&self, user: &User) -> Decision {
        let user = user.present()?;
        match user.status() {
            Status::Active => {}
            Status::Inactive | Status::Suspended | Status::Deleted | Status::Erased => {
                return Err(Refusal::UserNotActive);
            }
        }
        match self.old_password {
            OldPassword::Differs => Err(Refusal::WrongPassword),
            OldPassword::Matches { credential_version } if credential_version != user.credential.version => {
                Err(Refusal::CredentialChanged)
            }
            OldPassword::Matches { .. } => Ok(vec![
                PasswordChanged {
                    kind: PasswordChangeKind::Own,
                    from: user.credential,
                    to: user.credential.replaced_by(self.algorithm),
                }
                .into(),
            ]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::UserCommand;
    use crate::alice::{self, given};

    fn change(old_password: OldPassword) -> UserCommand {
        ChangePassword { old_password, algorithm: CredentialAlgorithm::Argon2id }.into()
    }

    const MATCHES_FIRST: OldPassword = OldPassword::Matches { credential_version: 1 };

    #[test]
    fn who_knows_the_old_password_gets_a_new_credential() {
        given([alice::created()])
            .when(change(MATCHES_FIRST))
            .then([alice::password_changed(PasswordChangeKind::Own, 1)]);
    }

    #[test]
    fn the_same_password_again_is_a_change_all_the_same() {
        given([alice::created(), alice::password_changed(PasswordChangeKind::Own, 1)])
            .when(change(OldPassword::Matches { credential_version: 2 }))
            .then([alice::password_changed(PasswordChangeKind::Own, 2)]);
    }

    #[test]
    fn who_does_not_know_it_is_refused() {
        given([alice::created()]).when(change(OldPassword::Differs)).refused(Refusal::WrongPassword);
    }

    #[test]
    fn a_password_that_has_been_replaced_in_the_meantime_opens_nothing() {
        given([alice::created(), alice::password_changed(PasswordChangeKind::Administrator, 1)])
            .when(change(MATCHES_FIRST))
            .refused(Refusal::CredentialChanged);
    }

    #[test]
    fn inactive_and_suspended_users_cannot_change_their_own_password() {
        for event in [alice::deactivated(), alice::suspended()] {
            given([alice::created(), event]).when(change(MATCHES_FIRST)).refused(Refusal::UserNotActive);
        }
    }

    #[test]
    fn a_deleted_user_cannot_either() {
        given([alice::created(), alice::deleted()]).when(change(MATCHES_FIRST)).refused(Refusal::UserDeleted);
    }
}
