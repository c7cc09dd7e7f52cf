//! Where a request came from. Personal: it is sealed with the key of the user whom the event is about, and nowhere else.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Where a request came from, as far as it is known. Not printable.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The address of who asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_address: Option<String>,
    /// With what.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
}

impl Origin {
    /// It, if it says anything.
    #[must_use]
    pub fn known(self) -> Option<Self> {
        (self != Self::default()).then_some(self)
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Origin")
    }
}
