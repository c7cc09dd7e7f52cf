//! `user.suspended`: a user is locked out for a reason. The reason may name people, so it is personal.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Change, Changed, EventType, Redactable, wire};
use crate::{LiveUser, Reason, Status};

/// A user is locked out for a reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserSuspended {
    /// Where she stood and where she stands.
    pub status: Changed<Status>,
    /// Why.
    #[serde(skip)]
    pub personal: Redactable<UserSuspendedPersonal>,
}

/// Why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserSuspendedPersonal {
    /// In somebody's words.
    #[serde(with = "wire")]
    pub reason: Reason,
}

impl EventType for UserSuspended {
    const NAME: &'static str = "user.suspended";
    type Personal = UserSuspendedPersonal;

    fn personal(&self) -> Option<&Redactable<Self::Personal>> {
        Some(&self.personal)
    }

    fn personal_mut(&mut self) -> Option<&mut Redactable<Self::Personal>> {
        Some(&mut self.personal)
    }

    fn apply(&self, user: &mut LiveUser, _: Timestamp) {
        user.standing.suspended = true;
    }

    fn changes(&self) -> Vec<Change> {
        let reason = match &self.personal {
            Redactable::Known(personal) => Change::new("reason", None, Some(personal.reason.as_str())),
            Redactable::Erased => Change::erased("reason"),
        };
        vec![Change::of_status(&self.status), reason]
    }
}
