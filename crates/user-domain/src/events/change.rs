//! A value before and after: inside events (`Changed`), and for whoever reads what happened (`Change`).

use serde::{Deserialize, Serialize};

use super::wire::{self, Wire};
use crate::Status;

/// A value before and after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, bound(serialize = "T: Wire", deserialize = "T: Wire"))]
pub struct Changed<T> {
    /// Before.
    #[serde(with = "wire")]
    pub from: T,
    /// After.
    #[serde(with = "wire")]
    pub to: T,
}

/// One line of an audit listing: a field before and after. Never a secret; personal, unless erased.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// As the contract calls it: `email`, `status`, `credential` …
    pub field: &'static str,
    /// Before; `None` when there was nothing.
    pub from: Option<String>,
    /// After; `None` when there is nothing.
    pub to: Option<String>,
    /// Both are gone with the user's key. Then the field may have changed, and nobody knows any more.
    pub erased: bool,
}

impl Change {
    pub(crate) fn new(field: &'static str, from: Option<&str>, to: Option<&str>) -> Self {
        Self { field, from: from.map(str::to_owned), to: to.map(str::to_owned), erased: false }
    }

    pub(crate) fn erased(field: &'static str) -> Self {
        Self { field, from: None, to: None, erased: true }
    }

    pub(crate) fn of_status(status: &Changed<Status>) -> Self {
        Self::new("status", Some(status.from.as_str()), Some(status.to.as_str()))
    }
}
