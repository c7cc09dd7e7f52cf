//! `user.restored`: a deletion was taken back; the status before it holds again.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Change, Changed, EventType};
use crate::{LiveUser, Status};

/// A deletion was taken back; the status before it holds again. Nothing of it is personal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserRestored {
    /// Where she stood and where she stands.
    pub status: Changed<Status>,
}

impl EventType for UserRestored {
    const NAME: &'static str = "user.restored";
    type Personal = ();

    fn apply(&self, user: &mut LiveUser, _: Timestamp) {
        user.standing.deleted = false;
        user.deleted_at = None;
    }

    fn changes(&self) -> Vec<Change> {
        vec![Change::of_status(&self.status)]
    }
}
