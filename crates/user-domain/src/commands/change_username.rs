//! A user gets another username.

use super::{Command, Decision};
use crate::{LiveUser, Refusal, User, Username, UsernameChanged};

/// A user gets another username. Whether another user has it is found out in the append's transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeUsername {
    /// The new name.
    pub username: Username,
}

impl Command for ChangeUsername {
    const NAME: &'static str = "change_username";

    fn decide(&self, user: &User) -> Decision {
        Ok(changed(user.present()?, &self.username)?.map(Into::into).into_iter().collect())
    }
}

/// Other capital letters are a change, though the claim stays: it is what people see. Whoever has had a reserved name since
/// before it was keeps it.
pub(super) fn changed(user: &LiveUser, username: &Username) -> Result<Option<UsernameChanged>, Refusal> {
    if user.username == *username {
        return Ok(None);
    }
    if username.is_reserved() {
        return Err(Refusal::UsernameReserved);
    }
    Ok(Some(UsernameChanged::new(&user.username, username)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::UserCommand;
    use crate::alice::{self, given};

    fn change_to(username: &str) -> UserCommand {
        ChangeUsername { username: Username::parse(username).expect("a name") }.into()
    }

    #[test]
    fn the_event_tells_the_old_and_the_new_name() {
        given([alice::created()]).when(change_to("alix")).then([alice::username_changed("Alice", "alix")]);
    }

    #[test]
    fn the_same_name_changes_nothing() {
        given([alice::created()]).when(change_to("Alice")).then([]);
    }

    #[test]
    fn other_capital_letters_are_a_change() {
        given([alice::created()]).when(change_to("ALICE")).then([alice::username_changed("Alice", "ALICE")]);
    }

    #[test]
    fn a_reserved_name_is_nobodys() {
        given([alice::created()]).when(change_to("Adm1n")).refused(Refusal::UsernameReserved);
    }

    #[test]
    fn who_has_a_reserved_name_since_before_it_was_keeps_it() {
        given([alice::created(), alice::username_changed("Alice", "root")]).when(change_to("root")).then([]);
    }

    #[test]
    fn a_deleted_user_keeps_hers() {
        given([alice::created(), alice::deleted()]).when(change_to("alix")).refused(Refusal::UserDeleted);
    }
}
