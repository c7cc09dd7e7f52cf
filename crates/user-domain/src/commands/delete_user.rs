//! A user is to be deleted, so that she can be restored.

use super::{Command, Decision};
use crate::{Changed, Status, User, UserDeleted};

/// A user is to be deleted. She keeps her e-mail and username until she is restored or erased.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeleteUser;

impl Command for DeleteUser {
    const NAME: &'static str = "delete_user";

    fn decide(&self, user: &User) -> Decision {
        let user = user.live()?;
        if user.standing.deleted {
            return Ok(Vec::new());
        }
        Ok(vec![UserDeleted { status: Changed { from: user.status(), to: Status::Deleted } }.into()])
    }
}

#[cfg(test)]
mod tests {
    use cqrs::Decider;

    use super::*;
    use crate::alice::{self, given};
    use crate::{Refusal, Users};

    #[test]
    fn every_live_user_can_be_deleted() {
        given([alice::created()]).when(DeleteUser.into()).then([alice::deleted()]);
        given([alice::created(), alice::suspended()])
            .when(DeleteUser.into())
            .then([alice::deleted_from(Status::Suspended)]);
    }

    #[test]
    fn a_deleted_user_is_deleted_already() {
        given([alice::created(), alice::deleted()]).when(DeleteUser.into()).then([]);
    }

    #[test]
    fn a_deleted_user_keeps_her_email_and_username_reserved() {
        let before = given([alice::created()]).state();
        let after = given([alice::created(), alice::deleted()]).state();
        assert_eq!(Users::claims(&after), Users::claims(&before));
        assert_eq!(Users::claims(&after).len(), 3);
    }

    #[test]
    fn an_erased_user_cannot_be_deleted() {
        given(alice::erased()).when(DeleteUser.into()).refused(Refusal::UserErased);
    }
}
