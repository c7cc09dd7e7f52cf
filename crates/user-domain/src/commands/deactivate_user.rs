//! A user who is active is to be inactive.

use super::{Command, Decision};
use crate::{Changed, Refusal, Standing, Status, User, UserDeactivated};

/// A user is to be inactive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeactivateUser;

impl Command for DeactivateUser {
    const NAME: &'static str = "deactivate_user";

    fn decide(&self, user: &User) -> Decision {
        match user.present()?.standing {
            Standing { suspended: true, .. } => Err(Refusal::UserSuspended),
            Standing { inactive: true, .. } => Ok(Vec::new()),
            Standing { inactive: false, .. } => Ok(vec![
                UserDeactivated { status: Changed { from: Status::Active, to: Status::Inactive } }.into(),
            ]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alice::{self, given};

    #[test]
    fn an_active_user_becomes_inactive() {
        given([alice::created()]).when(DeactivateUser.into()).then([alice::deactivated()]);
    }

    #[test]
    fn an_inactive_user_is_inactive_already() {
        given([alice::created(), alice::deactivated()]).when(DeactivateUser.into()).then([]);
    }

    #[test]
    fn a_suspended_user_is_reinstated_first() {
        given([alice::created(), alice::suspended()])
            .when(DeactivateUser.into())
            .refused(Refusal::UserSuspended);
    }
}
