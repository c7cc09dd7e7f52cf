//! An administrator or an import sets a password; the old one is not asked for.

use super::{Command, Decision};
use crate::{CredentialAlgorithm, PasswordChangeKind, PasswordChanged, User};

/// An administrator or an import sets a password, given as plain text or as a hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetPassword {
    /// How it was hashed, by us or by wherever it comes from.
    pub algorithm: CredentialAlgorithm,
}

impl Command for SetPassword {
    const NAME: &'static str = "set_password";

    fn decide(&self, user: &User) -> Decision {
        let from = user.present()?.credential;
        let to = from.replaced_by(self.algorithm);
        Ok(vec![PasswordChanged { kind: PasswordChangeKind::Administrator, from, to }.into()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alice::{self, given};
    use crate::{CredentialState, Refusal};

    const SET: SetPassword = SetPassword { algorithm: CredentialAlgorithm::Argon2id };

    #[test]
    fn every_user_who_is_not_deleted_can_be_given_a_password() {
        let set = || alice::password_changed(PasswordChangeKind::Administrator, 1);
        given([alice::created()]).when(SET.into()).then([set()]);
        given([alice::created(), alice::deactivated()]).when(SET.into()).then([set()]);
        given([alice::created(), alice::suspended()]).when(SET.into()).then([set()]);
        given([alice::created(), alice::deleted()]).when(SET.into()).refused(Refusal::UserDeleted);
    }

    #[test]
    fn the_event_tells_how_an_imported_one_was_hashed() {
        let from = CredentialState::first(CredentialAlgorithm::Argon2id);
        let to = CredentialState { version: 2, algorithm: CredentialAlgorithm::Bcrypt };
        given([alice::created()])
            .when(SetPassword { algorithm: CredentialAlgorithm::Bcrypt }.into())
            .then([PasswordChanged { kind: PasswordChangeKind::Administrator, from, to }.into()]);
    }
}
