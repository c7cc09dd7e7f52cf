//! Somebody comes from another directory, as she was there.

use super::{Command, CreateUser, Decision};
use crate::{Changed, Status, User, UserDeactivated};

/// Makes a user of a stream that does not exist yet, active or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportUser {
    /// Who she is.
    pub user: CreateUser,
    /// She was switched off where she comes from, and is from the first moment on.
    pub inactive: bool,
}

impl Command for ImportUser {
    const NAME: &'static str = "import_user";

    fn decide(&self, user: &User) -> Decision {
        let mut events = self.user.decide(user)?;
        if self.inactive {
            let status = Changed { from: Status::Active, to: Status::Inactive };
            events.push(UserDeactivated { status }.into());
        }
        Ok(events)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alice::{self, given};
    use crate::{Refusal, UserCommand};

    fn import(inactive: bool) -> UserCommand {
        ImportUser { user: alice::create(), inactive }.into()
    }

    #[test]
    fn who_was_active_is_created_like_anybody() {
        given([]).when(import(false)).then([alice::created()]);
    }

    #[test]
    fn who_was_switched_off_never_is_active_here() {
        given([]).when(import(true)).then([alice::created(), alice::deactivated()]);
        assert_eq!(given([]).when(import(true)).state().status(), Some(Status::Inactive));
    }

    #[test]
    fn an_id_is_used_once() {
        given([alice::created()]).when(import(true)).refused(Refusal::AlreadyExists);
        given(alice::erased()).when(import(false)).refused(Refusal::UserErased);
    }
}
