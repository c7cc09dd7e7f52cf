//! A user is locked out for a reason.

use super::{Command, Decision};
use crate::{Changed, Reason, Redactable, Status, User, UserSuspended, UserSuspendedPersonal};

/// A user is locked out for a reason. Who is suspended already stays so for the reason that was given first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SuspendUser {
    /// Why.
    pub reason: Reason,
}

impl Command for SuspendUser {
    const NAME: &'static str = "suspend_user";

    fn decide(&self, user: &User) -> Decision {
        let user = user.present()?;
        if user.standing.suspended {
            return Ok(Vec::new());
        }
        let status = Changed { from: user.status(), to: Status::Suspended };
        let personal = Redactable::Known(UserSuspendedPersonal { reason: self.reason.clone() });
        Ok(vec![UserSuspended { status, personal }.into()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alice::{self, given};
    use crate::{Refusal, UserCommand};

    fn suspend(reason: &str) -> UserCommand {
        SuspendUser { reason: Reason::parse(reason).expect("a reason") }.into()
    }

    #[test]
    fn active_and_inactive_users_can_be_suspended() {
        given([alice::created()]).when(suspend("spam")).then([alice::suspended()]);
        given([alice::created(), alice::deactivated()])
            .when(suspend("spam"))
            .then([alice::suspended_from(Status::Inactive)]);
    }

    #[test]
    fn another_reason_does_not_suspend_again() {
        given([alice::created(), alice::suspended()]).when(suspend("fraud")).then([]);
    }

    #[test]
    fn a_deleted_user_is_not_suspended() {
        given([alice::created(), alice::deleted()]).when(suspend("spam")).refused(Refusal::UserDeleted);
    }
}
