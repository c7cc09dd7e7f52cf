//! `user.reinstated`: a suspension ended; the status before it holds again.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Change, Changed, EventType};
use crate::{LiveUser, Status};

/// A suspension ended; the status before it holds again. Nothing of it is personal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserReinstated {
    /// Where she stood and where she stands.
    pub status: Changed<Status>,
}

impl EventType for UserReinstated {
    const NAME: &'static str = "user.reinstated";
    type Personal = ();

    fn apply(&self, user: &mut LiveUser, _: Timestamp) {
        user.standing.suspended = false;
    }

    fn changes(&self) -> Vec<Change> {
        vec![Change::of_status(&self.status)]
    }
}
