//! What can happen to a user: one file per type of event, and how each is written and read in two parts.

mod change;
mod email_changed;
mod event_type;
mod parts;
mod password_changed;
mod profile_updated;
mod redactable;
mod upcast;
mod user_activated;
mod user_created;
mod user_deactivated;
mod user_deleted;
mod user_erased;
mod user_reinstated;
mod user_restored;
mod user_suspended;
mod username_changed;
pub(crate) mod wire;

pub use change::{Change, Changed};
pub use email_changed::{EmailChanged, EmailChangedPersonal};
pub(crate) use event_type::EventType;
pub use parts::{DecodeError, Encoded, Part, Personal};
pub(crate) use parts::{decode, encode};
pub use password_changed::{PasswordChangeKind, PasswordChanged};
pub use profile_updated::{ProfileUpdated, ProfileUpdatedPersonal};
pub use redactable::Redactable;
pub use user_activated::UserActivated;
pub use user_created::{UserCreated, UserCreatedPersonal};
pub use user_deactivated::UserDeactivated;
pub use user_deleted::UserDeleted;
pub use user_erased::UserErased;
pub use user_reinstated::UserReinstated;
pub use user_restored::UserRestored;
pub use user_suspended::{UserSuspended, UserSuspendedPersonal};
pub use username_changed::{UsernameChanged, UsernameChangedPersonal};
