//! A deleted user is to be gone for good.

use super::{Command, Decision};
use crate::{Changed, Refusal, Status, User, UserErased};

/// A deleted user is to be gone for good: her key is destroyed in the append's transaction, and nothing brings it back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EraseUser;

impl Command for EraseUser {
    const NAME: &'static str = "erase_user";

    fn decide(&self, user: &User) -> Decision {
        match user {
            User::Absent => Err(Refusal::UserNotFound),
            User::Erased(_) => Ok(Vec::new()),
            User::Live(live) if !live.standing.deleted => Err(Refusal::NotDeleted),
            User::Live(_) => {
                Ok(vec![UserErased { status: Changed { from: Status::Deleted, to: Status::Erased } }.into()])
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use cqrs::Decider;

    use super::*;
    use crate::Users;
    use crate::alice::{self, given};

    #[test]
    fn a_deleted_user_can_be_erased() {
        given([alice::created(), alice::deleted()]).when(EraseUser.into()).then([alice::erasure()]);
    }

    #[test]
    fn nobody_is_erased_by_one_slip() {
        given([alice::created()]).when(EraseUser.into()).refused(Refusal::NotDeleted);
    }

    #[test]
    fn an_erased_user_is_erased_already() {
        given(alice::erased()).when(EraseUser.into()).then([]);
    }

    #[test]
    fn erasing_frees_the_email_and_the_username() {
        assert_eq!(Users::claims(&given(alice::erased()).state()), []);
    }
}
