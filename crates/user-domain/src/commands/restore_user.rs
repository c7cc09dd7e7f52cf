//! A deletion is taken back.

use super::{Command, Decision};
use crate::{Changed, Standing, Status, User, UserRestored};

/// A deletion is taken back, and the status before it holds again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RestoreUser;

impl Command for RestoreUser {
    const NAME: &'static str = "restore_user";

    fn decide(&self, user: &User) -> Decision {
        let standing = user.live()?.standing;
        if !standing.deleted {
            return Ok(Vec::new());
        }
        let to = Standing { deleted: false, ..standing }.status();
        Ok(vec![UserRestored { status: Changed { from: Status::Deleted, to } }.into()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Refusal;
    use crate::alice::{self, given};

    #[test]
    fn the_status_before_the_deletion_holds_again() {
        given([alice::created(), alice::deleted()])
            .when(RestoreUser.into())
            .then([alice::restored_to(Status::Active)]);
        given([alice::created(), alice::suspended(), alice::deleted_from(Status::Suspended)])
            .when(RestoreUser.into())
            .then([alice::restored_to(Status::Suspended)]);
    }

    #[test]
    fn a_suspension_outlives_deletion_and_what_was_before_it_outlives_both() {
        let user = given([
            alice::created(),
            alice::deactivated(),
            alice::suspended_from(Status::Inactive),
            alice::deleted_from(Status::Suspended),
            alice::restored_to(Status::Suspended),
        ]);
        user.when(crate::ReinstateUser.into()).then([alice::reinstated_to(Status::Inactive)]);
    }

    #[test]
    fn who_is_not_deleted_needs_no_restoring() {
        given([alice::created()]).when(RestoreUser.into()).then([]);
    }

    #[test]
    fn an_erased_user_is_gone() {
        given(alice::erased()).when(RestoreUser.into()).refused(Refusal::UserErased);
    }
}
