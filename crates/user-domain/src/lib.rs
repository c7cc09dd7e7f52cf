//! The user: what she is, what can be asked of her, what happens then, and why not. And the tokens of those who call.
//!
//! Pure: no clock, no randomness, no hashing, no store, nothing to wait for. The way of a request through it is the
//! order of this page: values are parsed, a command is decided on a user, events come of it, the user evolves.

mod commands;
mod event;
mod events;
mod refusal;
mod standing;
mod user;
mod users;
mod outline;
mod values;
mod violation;
mod api_token;

#[cfg(test)]
mod alice;
#[cfg(any(test, feature = "testkit"))]
pub mod histories;
#[cfg(any(test, feature = "testkit"))]
pub mod outside;
#[cfg(test)]
mod outside_bytes;
#[cfg(test)]
mod properties;

pub use api_token::{
    ApiToken, ApiTokenCommand, ApiTokenCreated, ApiTokenEvent, ApiTokenRefusal, ApiTokenRevoked, ApiTokens,
    CreateApiToken, LiveApiToken, RevokeApiToken, Scope, Scopes, TokenName,
};
pub use commands::{
    ActivateUser, ChangeEmail, ChangePassword, ChangeUsername, CreateUser, DeactivateUser, DeleteUser,
    EraseUser, ImportUser, OldPassword, Patch, ProfilePatch, ReinstateUser, RestoreUser, SetPassword,
    SuspendUser, UpdateProfile, UpdateUser, UserCommand,
};
pub use event::UserEvent;
pub use events::{
    Change, Changed, DecodeError, EmailChanged, EmailChangedPersonal, Encoded, Part, PasswordChangeKind,
    PasswordChanged, Personal, ProfileUpdated, ProfileUpdatedPersonal, Redactable, UserActivated,
    UserCreated, UserCreatedPersonal, UserDeactivated, UserDeleted, UserErased, UserReinstated, UserRestored,
    UserSuspended, UserSuspendedPersonal, UsernameChanged, UsernameChangedPersonal,
};
pub use outline::Outline;
pub use refusal::Refusal;
pub use standing::{Standing, Status};
pub use user::{ErasedUser, LiveUser, User};
pub use users::Users;
pub use values::{
    AvatarUrl, CredentialAlgorithm, CredentialState, Email, Password, PasswordContext, PasswordHash,
    PasswordPolicy, PersonName, Reason, SearchText, Username,
};
pub use violation::Violation;
