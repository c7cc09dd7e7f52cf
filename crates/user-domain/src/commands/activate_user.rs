//! A user who is inactive is to be active.

use super::{Command, Decision};
use crate::{Changed, Refusal, Standing, Status, User, UserActivated};

/// A user is to be active. It does not lift a suspension: callers of old activate on every login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActivateUser;

impl Command for ActivateUser {
    const NAME: &'static str = "activate_user";

    fn decide(&self, user: &User) -> Decision {
        match user.present()?.standing {
            Standing { suspended: true, .. } => Err(Refusal::UserSuspended),
            Standing { inactive: false, .. } => Ok(Vec::new()),
            Standing { inactive: true, .. } => Ok(vec![
                UserActivated { status: Changed { from: Status::Inactive, to: Status::Active } }.into(),
            ]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alice::{self, given};

    #[test]
    fn an_inactive_user_becomes_active() {
        given([alice::created(), alice::deactivated()]).when(ActivateUser.into()).then([alice::activated()]);
    }

    #[test]
    fn an_active_user_is_active_already() {
        given([alice::created()]).when(ActivateUser.into()).then([]);
    }

    #[test]
    fn a_suspension_is_not_lifted_by_the_way() {
        given([alice::created(), alice::suspended()])
            .when(ActivateUser.into())
            .refused(Refusal::UserSuspended);
    }
}
