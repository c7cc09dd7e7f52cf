//! `user.created`: somebody joined. The first event of every stream.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Change, EventType, Redactable, wire};
use crate::{AvatarUrl, CredentialState, Email, LiveUser, PersonName, Status, Username};

/// Somebody joined.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserCreated {
    /// Where she stands from now on.
    #[serde(with = "wire")]
    pub status: Status,
    /// Which credential the vault took in the same transaction.
    pub credential: CredentialState,
    /// Who she is.
    #[serde(skip)]
    pub personal: Redactable<UserCreatedPersonal>,
}

/// Who she is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserCreatedPersonal {
    /// Her address.
    #[serde(with = "wire")]
    pub email: Email,
    /// Her name here.
    #[serde(with = "wire")]
    pub username: Username,
    /// First name, if given.
    #[serde(with = "wire")]
    pub first_name: Option<PersonName>,
    /// Last name, if given.
    #[serde(with = "wire")]
    pub last_name: Option<PersonName>,
    /// Picture, if given.
    #[serde(with = "wire")]
    pub avatar_url: Option<AvatarUrl>,
}

impl EventType for UserCreated {
    const NAME: &'static str = "user.created";
    type Personal = UserCreatedPersonal;

    fn personal(&self) -> Option<&Redactable<Self::Personal>> {
        Some(&self.personal)
    }

    fn personal_mut(&mut self) -> Option<&mut Redactable<Self::Personal>> {
        Some(&mut self.personal)
    }

    /// Nothing: who is live already is not created again. What it makes of nothing stands in `user.rs`.
    fn apply(&self, _: &mut LiveUser, _: Timestamp) {}

    fn changes(&self) -> Vec<Change> {
        let mut changes = match &self.personal {
            Redactable::Known(personal) => personal.changes(),
            Redactable::Erased => UserCreatedPersonal::FIELDS.map(Change::erased).into(),
        };
        changes.push(Change::new("status", None, Some(self.status.as_str())));
        changes.push(Change::new("credential", None, Some(&self.credential.describe())));
        changes
    }
}

impl UserCreatedPersonal {
    const FIELDS: [&str; 5] = ["email", "username", "first_name", "last_name", "avatar_url"];

    fn changes(&self) -> Vec<Change> {
        let values = [
            Some(self.email.as_str()),
            Some(self.username.as_str()),
            self.first_name.as_ref().map(PersonName::as_str),
            self.last_name.as_ref().map(PersonName::as_str),
            self.avatar_url.as_ref().map(AvatarUrl::as_str),
        ];
        let given = Self::FIELDS.into_iter().zip(values).filter(|(_, value)| value.is_some());
        given.map(|(field, value)| Change::new(field, None, value)).collect()
    }
}
