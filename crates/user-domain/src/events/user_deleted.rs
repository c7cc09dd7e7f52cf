//! `user.deleted`: a user is deleted; she keeps her e-mail and username until she is restored or erased.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Change, Changed, EventType};
use crate::{LiveUser, Status};

/// A user is deleted; she keeps her e-mail and username until she is restored or erased. Nothing of it is personal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserDeleted {
    /// Where she stood and where she stands.
    pub status: Changed<Status>,
}

impl EventType for UserDeleted {
    const NAME: &'static str = "user.deleted";
    type Personal = ();

    fn apply(&self, user: &mut LiveUser, recorded_at: Timestamp) {
        user.standing.deleted = true;
        user.deleted_at = Some(recorded_at);
    }

    fn changes(&self) -> Vec<Change> {
        vec![Change::of_status(&self.status)]
    }
}
