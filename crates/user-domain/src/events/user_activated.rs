//! `user.activated`: a user who was inactive is active.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Change, Changed, EventType};
use crate::{LiveUser, Status};

/// A user who was inactive is active. Nothing of it is personal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserActivated {
    /// Where she stood and where she stands.
    pub status: Changed<Status>,
}

impl EventType for UserActivated {
    const NAME: &'static str = "user.activated";
    type Personal = ();

    fn apply(&self, user: &mut LiveUser, _: Timestamp) {
        user.standing.inactive = false;
    }

    fn changes(&self) -> Vec<Change> {
        vec![Change::of_status(&self.status)]
    }
}
