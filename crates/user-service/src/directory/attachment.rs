//! What travels beside a command and never reaches its decision: a credential, where the request came from, and what becomes
//! of a name that looks like another's.

use clap::ValueEnum;

use super::NewCredential;
use crate::vault::Origin;

/// What a command brings for the vault and for the sealed part of its events.
#[derive(Debug)]
pub struct Attachment {
    /// For the vault.
    pub credential: NewCredential,
    /// For the sealed part of every event that the command leads to.
    pub origin: Option<Origin>,
    /// Asked for with this command; the directory's own answer stands beside it.
    pub look_alikes: LookAlikes,
}

/// What becomes of a username that looks like another user's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LookAlikes {
    /// It is refused: nobody passes herself off as another
    #[default]
    Refuse,
    /// It is taken, for who knows that such names are there: `mario` beside `marlo`
    Accept,
}

/// From nowhere that is known.
impl From<NewCredential> for Attachment {
    fn from(credential: NewCredential) -> Self {
        Self { credential, origin: None, look_alikes: LookAlikes::Refuse }
    }
}
