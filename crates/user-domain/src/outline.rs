//! What the kinds of a user's events tell by themselves, also when nobody can read any more who she was.

use crate::{Standing, Status, UserEvent};

/// Where a user stands, told by the kinds of her events alone. As long as she lives it is what `evolve` says; after her
/// erasure `evolve` knows her as erased from her first event on, and this still knows what she was when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outline {
    /// Where she stands, or stood at last.
    pub standing: Standing,
    /// Whether she has been erased.
    pub erased: bool,
}

impl Outline {
    /// The outline after one more event; `None` before the first, and for a history without its beginning.
    #[must_use]
    pub fn after(before: Option<Self>, event: &UserEvent) -> Option<Self> {
        let created = matches!(event, UserEvent::UserCreated(_));
        let born = created.then_some(Self { standing: Standing::ACTIVE, erased: false });
        let mut after = before.or(born)?;
        if !after.erased {
            after.take(event);
        }
        Some(after)
    }

    /// What callers see of it.
    #[must_use]
    pub fn status(self) -> Status {
        if self.erased { Status::Erased } else { self.standing.status() }
    }

    fn take(&mut self, event: &UserEvent) {
        let standing = &mut self.standing;
        match event {
            UserEvent::UserActivated(_) => standing.inactive = false,
            UserEvent::UserDeactivated(_) => standing.inactive = true,
            UserEvent::UserSuspended(_) => standing.suspended = true,
            UserEvent::UserReinstated(_) => standing.suspended = false,
            UserEvent::UserDeleted(_) => standing.deleted = true,
            UserEvent::UserRestored(_) => standing.deleted = false,
            UserEvent::UserErased(_) => self.erased = true,
            UserEvent::UserCreated(_)
            | UserEvent::EmailChanged(_)
            | UserEvent::UsernameChanged(_)
            | UserEvent::ProfileUpdated(_)
            | UserEvent::PasswordChanged(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alice;

    fn outline(events: impl IntoIterator<Item = UserEvent>) -> Option<Outline> {
        events.into_iter().fold(None, |before, event| Outline::after(before, &event))
    }

    #[test]
    fn an_erased_user_is_known_to_have_been_there_and_to_have_been_erased() {
        let statuses: Vec<_> =
            (1..=3).map(|end| outline(alice::erased().into_iter().take(end)).map(Outline::status)).collect();
        assert_eq!(statuses, [Some(Status::Active), Some(Status::Deleted), Some(Status::Erased)]);
    }

    #[test]
    fn nothing_brings_back_who_has_been_erased() {
        let events =
            alice::erased().into_iter().chain([alice::restored_to(Status::Active), alice::created()]);
        assert_eq!(outline(events).map(Outline::status), Some(Status::Erased));
    }

    #[test]
    fn a_history_without_its_beginning_has_no_outline() {
        assert_eq!(outline([alice::deleted()]), None);
    }
}
