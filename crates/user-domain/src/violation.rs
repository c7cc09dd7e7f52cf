//! What is wrong with a value that somebody sent: the field, a stable reason, and a sentence about the rule.

use std::fmt;

/// A value that could not be parsed. Whoever sent it corrects that field and sends it again.
///
/// It never holds the value itself, so that it can be logged and sent back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The field as the contract calls it: `email`.
    pub field: &'static str,
    /// A stable name of the rule, for programs: `TOO_LONG`.
    pub reason: &'static str,
    /// The rule, for people.
    pub description: String,
}

impl Violation {
    pub(crate) fn new(field: &'static str, reason: &'static str, description: impl Into<String>) -> Self {
        Self { field, reason, description: description.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.field, self.description)
    }
}

impl std::error::Error for Violation {}
