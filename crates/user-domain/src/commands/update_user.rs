//! E-mail, username and profile change together: one command, one append, all or nothing.

use super::{Command, Decision, ProfilePatch, change_email, change_username};
use crate::{Email, User, Username};

/// E-mail, username and profile change together. What is left out stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpdateUser {
    /// The new address.
    pub email: Option<Email>,
    /// The new name.
    pub username: Option<Username>,
    /// What is to become of each field of the profile.
    pub profile: ProfilePatch,
}

impl Command for UpdateUser {
    const NAME: &'static str = "update_user";

    fn decide(&self, user: &User) -> Decision {
        let user = user.present()?;
        let email = self.email.as_ref().and_then(|email| change_email::changed(user, email));
        let username = self.username.as_ref().map(|username| change_username::changed(user, username));
        let username = username.transpose()?.flatten();
        let profile = self.profile.changed(user);
        let events = [email.map(Into::into), username.map(Into::into), profile.map(Into::into)];
        Ok(events.into_iter().flatten().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alice::{self, given, person_name};
    use crate::{Changed, Patch, ProfileUpdatedPersonal, Refusal};

    fn everything() -> UpdateUser {
        UpdateUser {
            email: Some(Email::parse("alice@example.com").expect("an address")),
            username: Some(Username::parse("alix").expect("a name")),
            profile: ProfilePatch { last_name: Patch::Clear, ..Default::default() },
        }
    }

    #[test]
    fn each_kind_of_change_is_an_event_of_its_own() {
        let last_name = Some(Changed { from: Some(person_name("Liddell")), to: None });
        given([alice::created()]).when(everything().into()).then([
            alice::email_changed("Alice@example.org", "alice@example.com"),
            alice::username_changed("Alice", "alix"),
            alice::profile_updated(ProfileUpdatedPersonal { last_name, ..Default::default() }),
        ]);
    }

    #[test]
    fn only_what_differs_is_told() {
        let command =
            UpdateUser { email: Some(alice::email()), profile: ProfilePatch::default(), ..everything() };
        given([alice::created()]).when(command.into()).then([alice::username_changed("Alice", "alix")]);
    }

    #[test]
    fn a_reserved_name_leaves_everything_as_it_is() {
        let command = UpdateUser { username: Username::parse("support").ok(), ..everything() };
        given([alice::created()]).when(command.into()).refused(Refusal::UsernameReserved);
    }

    #[test]
    fn asking_for_nothing_changes_nothing() {
        given([alice::created()]).when(UpdateUser::default().into()).then([]);
    }

    #[test]
    fn a_deleted_user_stays_as_she_is() {
        given([alice::created(), alice::deleted()]).when(everything().into()).refused(Refusal::UserDeleted);
    }
}
