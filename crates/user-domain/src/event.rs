//! Everything that can happen to a user, as one type.

use jiff::Timestamp;

use crate::events::{self, EventType};
use crate::{
    Change, DecodeError, EmailChanged, Encoded, LiveUser, PasswordChanged, Personal, ProfileUpdated,
    Redactable, UserActivated, UserCreated, UserDeactivated, UserDeleted, UserErased, UserReinstated,
    UserRestored, UserSuspended, UsernameChanged,
};

/// One list makes the enum, the names and the ways in and out, so that no type can be missing from one of them.
macro_rules! events_of_a_user {
    ($($name:ident),* $(,)?) => {
        /// Something that happened to a user.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum UserEvent {
            $(#[doc = concat!("See [`", stringify!($name), "`].")] $name($name),)*
        }

        impl UserEvent {
            /// The name of every type of event, as the log has it.
            pub const TYPES: &'static [&'static str] = &[$($name::NAME),*];

            /// The name of its type, as the log has it.
            pub fn event_type(&self) -> &'static str {
                match self { $(Self::$name(_) => $name::NAME,)* }
            }

            /// The version in which `encode` writes it.
            pub fn schema_version(&self) -> u16 {
                match self { $(Self::$name(_) => $name::schema_version(),)* }
            }

            /// The version in which events of this type are written; `None` for a type that is not known.
            pub fn schema_version_of(event_type: &str) -> Option<u16> {
                match event_type { $($name::NAME => Some($name::schema_version()),)* _ => None }
            }

            /// Its two parts, as the log takes them.
            pub fn encode(&self) -> Encoded {
                match self { $(Self::$name(event) => events::encode(event),)* }
            }

            /// Back from its two parts, whatever version wrote them.
            pub fn decode(
                event_type: &str,
                schema_version: u16,
                data: &str,
                personal: Personal<'_>,
            ) -> Result<Self, DecodeError> {
                match event_type {
                    $($name::NAME => events::decode(schema_version, data, personal).map(Self::$name),)*
                    _ => Err(DecodeError::UnknownType { event_type: event_type.to_owned() }),
                }
            }

            /// What it changed, for people; never a secret.
            pub fn changes(&self) -> Vec<Change> {
                match self { $(Self::$name(event) => event.changes(),)* }
            }

            /// Whether it had a personal part that is gone with the user's key.
            pub fn is_redacted(&self) -> bool {
                match self { $(Self::$name(event) => event.personal().is_some_and(Redactable::is_erased),)* }
            }

            pub(crate) fn apply(&self, user: &mut LiveUser, recorded_at: Timestamp) {
                match self { $(Self::$name(event) => event.apply(user, recorded_at),)* }
            }
        }

        $(impl From<$name> for UserEvent {
            fn from(event: $name) -> Self {
                Self::$name(event)
            }
        })*
    };
}

events_of_a_user! {
    UserCreated,
    EmailChanged,
    UsernameChanged,
    ProfileUpdated,
    PasswordChanged,
    UserActivated,
    UserDeactivated,
    UserSuspended,
    UserReinstated,
    UserDeleted,
    UserRestored,
    UserErased,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alice::{self, person_name};
    use crate::{Changed, PasswordChangeKind, ProfileUpdatedPersonal};

    /// As a listing would show it.
    fn shown(event: &UserEvent) -> Vec<String> {
        let line = |change: Change| match change {
            Change { field, erased: true, .. } => format!("{field}: erased"),
            Change { field, from, to, erased: false } => {
                format!("{field}: {from:?} -> {to:?}").replace('"', "")
            }
        };
        event.changes().into_iter().map(line).collect()
    }

    #[test]
    fn changes_are_told_with_the_old_and_the_new_value() {
        let last_name = Some(Changed { from: Some(person_name("Liddell")), to: None });
        let profile = alice::profile_updated(ProfileUpdatedPersonal { last_name, ..Default::default() });
        let email = alice::email_changed("alice@example.org", "alice@example.com");
        assert_eq!(shown(&email), ["email: Some(alice@example.org) -> Some(alice@example.com)"]);
        assert_eq!(shown(&profile), ["last_name: Some(Liddell) -> None"]);
        assert_eq!(
            shown(&alice::suspended()),
            ["status: Some(active) -> Some(suspended)", "reason: None -> Some(spam)"]
        );
    }

    #[test]
    fn a_new_user_is_told_as_what_she_was_given() {
        assert_eq!(
            shown(&alice::created()),
            [
                "email: None -> Some(Alice@example.org)",
                "username: None -> Some(Alice)",
                "first_name: None -> Some(Alice)",
                "last_name: None -> Some(Liddell)",
                "status: None -> Some(active)",
                "credential: None -> Some(1 argon2id)",
            ]
        );
    }

    #[test]
    fn of_a_password_the_version_the_algorithm_and_who_changed_it_are_told() {
        assert_eq!(
            shown(&alice::password_changed(PasswordChangeKind::Administrator, 1)),
            ["credential: Some(1 argon2id) -> Some(2 argon2id)", "changed_by: None -> Some(administrator)"]
        );
    }

    #[test]
    fn what_is_erased_is_named_and_not_shown() {
        let UserEvent::UserCreated(created) = alice::created() else { panic!("created") };
        let erased = UserCreated { personal: Redactable::Erased, ..created };
        assert_eq!(
            shown(&erased.into()),
            [
                "email: erased",
                "username: erased",
                "first_name: erased",
                "last_name: erased",
                "avatar_url: erased",
                "status: None -> Some(active)",
                "credential: None -> Some(1 argon2id)",
            ]
        );
    }

    #[test]
    fn every_type_has_a_name_of_its_own() {
        let names: std::collections::BTreeSet<_> = UserEvent::TYPES.iter().collect();
        assert_eq!(names.len(), UserEvent::TYPES.len());
        assert!(UserEvent::TYPES.iter().all(|name| UserEvent::schema_version_of(name).is_some()));
    }
}
