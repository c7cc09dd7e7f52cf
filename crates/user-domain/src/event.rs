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
