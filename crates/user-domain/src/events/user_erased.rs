//! `user.erased`: a user is gone for good, with her key and every row about her.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Change, Changed, EventType};
use crate::{LiveUser, Status};

/// A user is gone for good. Nothing of it is personal; it outlives everything that was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserErased {
    /// Where she stood and where she stands.
    pub status: Changed<Status>,
}

impl EventType for UserErased {
    const NAME: &'static str = "user.erased";
    type Personal = ();

    /// Nothing: it leaves no live user. What remains of her stands in `user.rs`.
    fn apply(&self, _: &mut LiveUser, _: Timestamp) {}

    fn changes(&self) -> Vec<Change> {
        vec![Change::of_status(&self.status)]
    }
}
