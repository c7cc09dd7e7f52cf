//! A suspension ends.

use super::{Command, Decision};
use crate::{Changed, Standing, Status, User, UserReinstated};

/// A suspension ends, and the status before it holds again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReinstateUser;

impl Command for ReinstateUser {
    const NAME: &'static str = "reinstate_user";

    fn decide(&self, user: &User) -> Decision {
        let standing = user.present()?.standing;
        if !standing.suspended {
            return Ok(Vec::new());
        }
        let to = Standing { suspended: false, ..standing }.status();
        Ok(vec![UserReinstated { status: Changed { from: Status::Suspended, to } }.into()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Refusal;
    use crate::alice::{self, given};

    #[test]
    fn the_status_before_the_suspension_holds_again() {
        given([alice::created(), alice::suspended()])
            .when(ReinstateUser.into())
            .then([alice::reinstated_to(Status::Active)]);
        given([alice::created(), alice::deactivated(), alice::suspended_from(Status::Inactive)])
            .when(ReinstateUser.into())
            .then([alice::reinstated_to(Status::Inactive)]);
    }

    #[test]
    fn who_is_not_suspended_needs_no_reinstating() {
        given([alice::created()]).when(ReinstateUser.into()).then([]);
        given([alice::created(), alice::deactivated()]).when(ReinstateUser.into()).then([]);
    }

    #[test]
    fn a_deleted_user_is_restored_first() {
        given([alice::created(), alice::suspended(), alice::deleted_from(Status::Suspended)])
            .when(ReinstateUser.into())
            .refused(Refusal::UserDeleted);
    }
}
