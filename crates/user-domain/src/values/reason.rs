//! Why a user was suspended, in somebody's words. It may name people, so it is personal.

use super::characters::{is_control, is_invisible, is_space};
use crate::Violation;

/// 1 to 500 characters in one line, not all of them blank.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reason(pub(super) Box<str>);

const CHARACTERS_MAX: usize = 500;

impl Reason {
    /// Reads a reason that somebody sent.
    pub fn parse(input: &str) -> Result<Self, Violation> {
        if input.chars().all(|c| is_space(c) || is_invisible(c)) {
            return Err(violation("BLANK", "must not be blank"));
        }
        if input.chars().count() > CHARACTERS_MAX {
            return Err(violation("TOO_LONG", format!("must have at most {CHARACTERS_MAX} characters")));
        }
        if input.chars().any(is_control) {
            return Err(violation("CONTROL", "must have no control characters and no line breaks"));
        }
        Ok(Self(input.into()))
    }
}

fn violation(reason: &'static str, description: impl Into<String>) -> Violation {
    Violation::new("reason", reason, description)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_one_line_of_words() {
        let reason = |text: &str| Reason::parse(text).map(|_| ()).map_err(|violation| violation.reason);
        assert_eq!(reason("spam, ticket 4711"), Ok(()));
        assert_eq!(reason(&"x".repeat(500)), Ok(()));
        assert_eq!(reason("  "), Err("BLANK"));
        assert_eq!(reason("one\ntwo"), Err("CONTROL"));
        assert_eq!(reason(&"x".repeat(501)), Err("TOO_LONG"));
    }
}
