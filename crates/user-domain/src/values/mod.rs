//! The values of a user, each parsed once where it comes in. What is stored is taken as it stands (`from_stored`):
//! rules may get stricter, the past does not.

mod avatar_url;
mod caseless;
mod characters;
mod credential_state;
mod email;
mod look_alike;
mod common_passwords;
mod password_context;
mod password;
mod password_hash;
mod person_name;
mod reason;
mod reserved_usernames;
mod search_text;
mod username;

pub use avatar_url::AvatarUrl;
pub(crate) use caseless::caseless;
pub use credential_state::{CredentialAlgorithm, CredentialState};
pub use email::Email;
pub use password::{Password, PasswordPolicy};
pub use password_context::PasswordContext;
pub use password_hash::PasswordHash;
pub use person_name::PersonName;
pub use reason::Reason;
pub use search_text::SearchText;
pub use username::Username;

/// What every textual value has: it can be read, and taken from a store without asking the rules of today.
///
/// No `Display`: an address in a message should be somebody's decision.
macro_rules! textual {
    ($($name:ident),*) => {$(
        impl $name {
            /// Takes a value that was accepted when it was stored.
            pub fn from_stored(text: impl Into<Box<str>>) -> Self {
                Self(text.into())
            }

            /// The value as it was accepted.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
    )*};
}

textual!(AvatarUrl, Email, PersonName, Reason, Username);
