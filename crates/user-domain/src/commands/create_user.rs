//! Somebody joins.

use cqrs::Claim;

use super::{Command, Decision};
use crate::{
    AvatarUrl, CredentialAlgorithm, CredentialState, Email, PersonName, Redactable, Refusal, Status, User,
    UserCreated, UserCreatedPersonal, Username,
};

/// Makes a user of a stream that does not exist yet. Her id is the stream's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateUser {
    /// Her address.
    pub email: Email,
    /// Her name here.
    pub username: Username,
    /// First name, if given.
    pub first_name: Option<PersonName>,
    /// Last name, if given.
    pub last_name: Option<PersonName>,
    /// Picture, if given.
    pub avatar_url: Option<AvatarUrl>,
    /// How her first password was hashed.
    pub algorithm: CredentialAlgorithm,
}

impl Command for CreateUser {
    const NAME: &'static str = "create_user";

    fn decide(&self, user: &User) -> Decision {
        match user {
            User::Absent if self.username.is_reserved() => Err(Refusal::UsernameReserved),
            User::Absent => Ok(vec![self.created().into()]),
            User::Live(_) => Err(Refusal::AlreadyExists),
            User::Erased(_) => Err(Refusal::UserErased),
        }
    }
}

impl CreateUser {
    /// What she would own and nobody else may.
    pub fn claims(&self) -> Vec<Claim> {
        vec![self.email.claim(), self.username.claim(), self.username.look_alike_claim()]
    }

    fn created(&self) -> UserCreated {
        UserCreated {
            status: Status::Active,
            credential: CredentialState::first(self.algorithm),
            personal: Redactable::Known(UserCreatedPersonal {
                email: self.email.clone(),
                username: self.username.clone(),
                first_name: self.first_name.clone(),
                last_name: self.last_name.clone(),
                avatar_url: self.avatar_url.clone(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alice::{self, given};

    #[test]
    fn a_new_user_is_active() {
        given([]).when(alice::create().into()).then([alice::created()]);
        assert_eq!(given([]).when(alice::create().into()).state().status(), Some(Status::Active));
    }

    #[test]
    fn a_reserved_name_is_nobodys() {
        let crate::UserCommand::CreateUser(alice) = alice::create().into() else { panic!("create") };
        let username = Username::parse("\u{430}dmin").expect("a name");
        given([]).when(CreateUser { username, ..alice }.into()).refused(Refusal::UsernameReserved);
    }

    #[test]
    fn what_she_would_own_is_what_she_owns() {
        assert_eq!(alice::create().claims(), given([]).when(alice::create().into()).state().claims());
    }

    #[test]
    fn an_id_is_used_once() {
        given([alice::created()]).when(alice::create().into()).refused(Refusal::AlreadyExists);
    }

    #[test]
    fn an_erased_id_is_never_used_again() {
        given(alice::erased()).when(alice::create().into()).refused(Refusal::UserErased);
    }
}
