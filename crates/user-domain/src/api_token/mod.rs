//! The API token: who may call the service, and what for. Its secret is no part of it: that has a hash in the vault.
//!
//! A kind of stream of its own beside users, in the same log. Nothing about it is personal, so nothing is sealed.

mod scope;
mod token_name;
mod create_api_token;
mod revoke_api_token;
mod event;
mod refusal;
mod state;
mod tokens;

pub use create_api_token::CreateApiToken;
pub use event::{ApiTokenCreated, ApiTokenEvent, ApiTokenRevoked};
pub use refusal::ApiTokenRefusal;
pub use revoke_api_token::RevokeApiToken;
pub use scope::{Scope, Scopes};
pub use state::{ApiToken, LiveApiToken};
pub use token_name::TokenName;
pub use tokens::{ApiTokenCommand, ApiTokens};
