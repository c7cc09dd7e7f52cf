//! A first or last name, as given: nobody's name is wrong.

use super::characters::{is_control, is_invisible, is_space};
use crate::Violation;

/// 1 to 100 characters, not all of them blank, no control characters. Neither trimmed nor normalised.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PersonName(pub(super) Box<str>);

const CHARACTERS_MAX: usize = 100;

impl PersonName {
    /// Reads a name that somebody sent as `field`: `first_name` or `last_name`.
    pub fn parse(field: &'static str, input: &str) -> Result<Self, Violation> {
        if input.chars().all(|c| is_space(c) || is_invisible(c)) {
            return Err(Violation::new(field, "BLANK", "must not be blank"));
        }
        if input.chars().count() > CHARACTERS_MAX {
            let description = format!("must have at most {CHARACTERS_MAX} characters");
            return Err(Violation::new(field, "TOO_LONG", description));
        }
        if input.chars().any(is_control) {
            return Err(Violation::new(field, "CONTROL", "must have no control characters"));
        }
        Ok(Self(input.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_kept_as_given() {
        for name in ["Alice", "Anne Marie", " van der Berg ", "O'Neil", "می\u{200c}خواهم", "X"] {
            assert_eq!(PersonName::parse("first_name", name).expect(name).as_str(), name);
        }
        assert!(PersonName::parse("last_name", &"ø".repeat(100)).is_ok());
    }

    #[test]
    fn blanks_controls_and_novels_are_refused() {
        let reason = |name: &str| PersonName::parse("last_name", name).expect_err(name).reason;
        assert_eq!(reason(""), "BLANK");
        assert_eq!(reason(" \u{3000}\u{200b}"), "BLANK");
        assert_eq!(reason("a\nb"), "CONTROL");
        assert_eq!(reason(&"a".repeat(101)), "TOO_LONG");
    }
}
