//! What travels beside a command and never reaches its decision: a credential, and where the request came from.

use super::NewCredential;
use crate::vault::Origin;

/// What a command brings for the vault and for the sealed part of its events.
#[derive(Debug)]
pub struct Attachment {
    /// For the vault.
    pub credential: NewCredential,
    /// For the sealed part of every event that the command leads to.
    pub origin: Option<Origin>,
}

/// From nowhere that is known.
impl From<NewCredential> for Attachment {
    fn from(credential: NewCredential) -> Self {
        Self { credential, origin: None }
    }
}
