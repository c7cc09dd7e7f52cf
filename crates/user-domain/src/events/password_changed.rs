//! `user.password_changed`: another credential counts. The credential itself stands in the vault alone.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Change, EventType, wire};
use crate::{CredentialState, LiveUser};

/// Another credential counts. Nothing of it is personal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PasswordChanged {
    /// Who did it, and what they had to show.
    #[serde(with = "wire")]
    pub kind: PasswordChangeKind,
    /// What counted before.
    pub from: CredentialState,
    /// What counts from now on.
    pub to: CredentialState,
}

/// Who changed a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PasswordChangeKind {
    /// The user, who knew the old one.
    Own,
    /// An administrator or an import, who did not need to.
    Administrator,
}

impl PasswordChangeKind {
    /// As events write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Own => "self",
            Self::Administrator => "administrator",
        }
    }

    /// Back from what `as_str` gives.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Own, Self::Administrator].into_iter().find(|kind| kind.as_str() == text)
    }
}

impl EventType for PasswordChanged {
    const NAME: &'static str = "user.password_changed";
    type Personal = ();

    fn apply(&self, user: &mut LiveUser, _: Timestamp) {
        user.credential = self.to;
    }

    fn changes(&self) -> Vec<Change> {
        vec![
            Change::new("credential", Some(&self.from.describe()), Some(&self.to.describe())),
            Change::new("changed_by", None, Some(self.kind.as_str())),
        ]
    }
}
