//! `user.deactivated`: a user who was active is inactive.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Change, Changed, EventType};
use crate::{LiveUser, Status};

/// A user who was active is inactive. Nothing of it is personal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserDeactivated {
    /// Where she stood and where she stands.
    pub status: Changed<Status>,
}

impl EventType for UserDeactivated {
    const NAME: &'static str = "user.deactivated";
    type Personal = ();

    fn apply(&self, user: &mut LiveUser, _: Timestamp) {
        user.standing.inactive = true;
    }

    fn changes(&self) -> Vec<Change> {
        vec![Change::of_status(&self.status)]
    }
}
