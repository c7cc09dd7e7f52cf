//! A user's names or picture are set or cleared.

use super::{Command, Decision, ProfilePatch};
use crate::User;

/// A user's names or picture are set or cleared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpdateProfile {
    /// What is to become of each field.
    pub profile: ProfilePatch,
}

impl Command for UpdateProfile {
    const NAME: &'static str = "update_profile";

    fn decide(&self, user: &User) -> Decision {
        Ok(self.profile.changed(user.present()?).map(Into::into).into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alice::{self, given, person_name};
    use crate::{Changed, Patch, ProfileUpdatedPersonal, Refusal, UserCommand};

    fn update(profile: ProfilePatch) -> UserCommand {
        UpdateProfile { profile }.into()
    }

    #[test]
    fn the_event_tells_the_fields_that_changed_and_no_others() {
        let last_name = Patch::Set(person_name("Carroll"));
        let first_name = Patch::Set(person_name("Alice"));
        given([alice::created()])
            .when(update(ProfilePatch { first_name, last_name, ..Default::default() }))
            .then([alice::profile_updated(ProfileUpdatedPersonal {
                last_name: Some(Changed {
                    from: Some(person_name("Liddell")),
                    to: Some(person_name("Carroll")),
                }),
                ..Default::default()
            })]);
    }

    #[test]
    fn clearing_is_not_leaving_alone() {
        given([alice::created()])
            .when(update(ProfilePatch { last_name: Patch::Clear, ..Default::default() }))
            .then([alice::profile_updated(ProfileUpdatedPersonal {
                last_name: Some(Changed { from: Some(person_name("Liddell")), to: None }),
                ..Default::default()
            })]);
        given([alice::created()]).when(update(ProfilePatch::default())).then([]);
    }

    #[test]
    fn clearing_what_is_clear_changes_nothing() {
        given([alice::created()])
            .when(update(ProfilePatch { avatar_url: Patch::Clear, ..Default::default() }))
            .then([]);
    }

    #[test]
    fn a_deleted_users_profile_stays() {
        given([alice::created(), alice::deleted()])
            .when(update(ProfilePatch { last_name: Patch::Clear, ..Default::default() }))
            .refused(Refusal::UserDeleted);
    }
}
