//! A user gets another e-mail address.

use super::{Command, Decision};
use crate::{Email, EmailChanged, LiveUser, User};

/// A user gets another e-mail address. Whether another user has it is found out in the append's transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeEmail {
    /// The new address.
    pub email: Email,
}

impl Command for ChangeEmail {
    const NAME: &'static str = "change_email";

    fn decide(&self, user: &User) -> Decision {
        Ok(changed(user.present()?, &self.email).map(Into::into).into_iter().collect())
    }
}

/// Other capital letters are a change, though the claim stays: it is what people see.
pub(super) fn changed(user: &LiveUser, email: &Email) -> Option<EmailChanged> {
    (user.email != *email).then(|| EmailChanged::new(&user.email, email))
}

#[cfg(test)]
mod tests {
    use cqrs::Decider;

    use super::*;
    use crate::alice::{self, given};
    use crate::{Refusal, UserCommand, Users};

    fn change_to(email: &str) -> UserCommand {
        ChangeEmail { email: Email::parse(email).expect("an address") }.into()
    }

    #[test]
    fn the_event_tells_the_old_and_the_new_address() {
        given([alice::created()])
            .when(change_to("alice@example.com"))
            .then([alice::email_changed("Alice@example.org", "alice@example.com")]);
    }

    #[test]
    fn the_same_address_changes_nothing() {
        given([alice::created()]).when(change_to("Alice@example.org")).then([]);
    }

    #[test]
    fn other_capital_letters_are_a_change_of_the_address_and_not_of_the_claim() {
        let before = given([alice::created()]).state();
        let after = given([alice::created()]).when(change_to("ALICE@example.org")).state();
        assert_ne!(before, after);
        assert_eq!(Users::claims(&before), Users::claims(&after));
    }

    #[test]
    fn a_suspended_user_can_get_another_address() {
        given([alice::created(), alice::suspended()])
            .when(change_to("alice@example.com"))
            .then([alice::email_changed("Alice@example.org", "alice@example.com")]);
    }

    #[test]
    fn a_deleted_user_keeps_hers() {
        given([alice::created(), alice::deleted()])
            .when(change_to("alice@example.com"))
            .refused(Refusal::UserDeleted);
    }
}
