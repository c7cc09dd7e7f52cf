//! `user.profile_updated`: a user's names or picture have changed.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Change, Changed, EventType, Redactable};
use crate::{AvatarUrl, LiveUser, PersonName};

/// A user's names or picture have changed. Nothing of it is open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProfileUpdated {
    /// What she had and what she has.
    #[serde(skip)]
    pub personal: Redactable<ProfileUpdatedPersonal>,
}

/// What she had and what she has, of the fields that changed; the others are not written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProfileUpdatedPersonal {
    /// First name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_name: Option<Changed<Option<PersonName>>>,
    /// Last name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_name: Option<Changed<Option<PersonName>>>,
    /// Picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub avatar_url: Option<Changed<Option<AvatarUrl>>>,
}

impl EventType for ProfileUpdated {
    const NAME: &'static str = "user.profile_updated";
    type Personal = ProfileUpdatedPersonal;

    fn personal(&self) -> Option<&Redactable<Self::Personal>> {
        Some(&self.personal)
    }

    fn personal_mut(&mut self) -> Option<&mut Redactable<Self::Personal>> {
        Some(&mut self.personal)
    }

    fn apply(&self, user: &mut LiveUser, _: Timestamp) {
        let Redactable::Known(personal) = &self.personal else { return };
        set(&mut user.first_name, personal.first_name.as_ref());
        set(&mut user.last_name, personal.last_name.as_ref());
        set(&mut user.avatar_url, personal.avatar_url.as_ref());
    }

    fn changes(&self) -> Vec<Change> {
        let Redactable::Known(personal) = &self.personal else {
            return ["first_name", "last_name", "avatar_url"].map(Change::erased).into();
        };
        let first_name =
            personal.first_name.as_ref().map(|name| change("first_name", name, PersonName::as_str));
        let last_name = personal.last_name.as_ref().map(|name| change("last_name", name, PersonName::as_str));
        let avatar_url = personal.avatar_url.as_ref().map(|url| change("avatar_url", url, AvatarUrl::as_str));
        [first_name, last_name, avatar_url].into_iter().flatten().collect()
    }
}

fn set<T: Clone>(field: &mut Option<T>, changed: Option<&Changed<Option<T>>>) {
    if let Some(changed) = changed {
        field.clone_from(&changed.to);
    }
}

fn change<T>(field: &'static str, changed: &Changed<Option<T>>, text: fn(&T) -> &str) -> Change {
    Change::new(field, changed.from.as_ref().map(text), changed.to.as_ref().map(text))
}
