//! What is to become of a profile, field by field: leaving a field alone and clearing it are different.

use crate::{AvatarUrl, Changed, LiveUser, PersonName, ProfileUpdated, ProfileUpdatedPersonal, Redactable};

/// What is to become of one field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Patch<T> {
    /// It stays as it is.
    #[default]
    Keep,
    /// Nothing is to be known of it.
    Clear,
    /// This.
    Set(T),
}

/// What is to become of a profile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProfilePatch {
    /// First name.
    pub first_name: Patch<PersonName>,
    /// Last name.
    pub last_name: Patch<PersonName>,
    /// Picture.
    pub avatar_url: Patch<AvatarUrl>,
}

impl ProfilePatch {
    /// What it changes of this user; `None` when nothing.
    pub(super) fn changed(&self, user: &LiveUser) -> Option<ProfileUpdated> {
        let personal = ProfileUpdatedPersonal {
            first_name: self.first_name.changed(user.first_name.as_ref()),
            last_name: self.last_name.changed(user.last_name.as_ref()),
            avatar_url: self.avatar_url.changed(user.avatar_url.as_ref()),
        };
        let changes = personal != ProfileUpdatedPersonal::default();
        changes.then_some(ProfileUpdated { personal: Redactable::Known(personal) })
    }
}

impl<T: Clone + PartialEq> Patch<T> {
    fn changed(&self, from: Option<&T>) -> Option<Changed<Option<T>>> {
        let to = match self {
            Self::Keep => return None,
            Self::Clear => None,
            Self::Set(value) => Some(value),
        };
        (from != to).then(|| Changed { from: from.cloned(), to: to.cloned() })
    }
}
