//! A username: what a person calls herself here, and the key under which two of them are the same.

use cqrs::Claim;

use super::caseless::{caseless, nfc};
use super::characters::{is_control, is_invisible, is_space, is_unassigned};
use crate::Violation;

/// 1 to 100 characters in canonical spelling (NFC), all of which can be seen.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Username(pub(super) Box<str>);

const CHARACTERS_MAX: usize = 100;
/// Bounds the work on hostile input: up to four characters compose to one, each of up to four bytes.
const INPUT_BYTES_MAX: usize = 4 * 4 * CHARACTERS_MAX;

impl Username {
    /// The scope of its claim. A different key needs a new number, never a change of this one.
    pub const SCOPE: &'static str = "username.1";

    /// Reads a name that somebody sent.
    pub fn parse(input: &str) -> Result<Self, Violation> {
        if input.is_empty() {
            return Err(violation("EMPTY", "must not be empty"));
        }
        if input.len() > INPUT_BYTES_MAX {
            return Err(too_long());
        }
        let name = nfc(input);
        if name.chars().count() > CHARACTERS_MAX {
            return Err(too_long());
        }
        if name.chars().any(|c| is_control(c) || is_space(c)) {
            return Err(violation("CONTROL_OR_SPACE", "must have no control characters and no spaces"));
        }
        if name.chars().any(|c| is_invisible(c) || is_unassigned(c)) {
            return Err(violation("INVISIBLE", "must have no invisible and no unassigned characters"));
        }
        Ok(Self(name.into()))
    }

    /// What two spellings of one name have in common: case-folded, NFC.
    pub fn compare_key(&self) -> String {
        caseless(&self.0)
    }

    /// What its owner alone may own.
    pub fn claim(&self) -> Claim {
        Claim { scope: Self::SCOPE, value: self.compare_key() }
    }
}

fn too_long() -> Violation {
    violation("TOO_LONG", format!("must have at most {CHARACTERS_MAX} characters"))
}

fn violation(reason: &'static str, description: impl Into<String>) -> Violation {
    Violation::new("username", reason, description)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn refused(input: &str, reason: &str) {
        assert_eq!(Username::parse(input).expect_err(input).reason, reason, "{input:?}");
    }

    #[test]
    fn a_name_is_kept_in_canonical_spelling() {
        assert_eq!(Username::parse("Alice").expect("a name").as_str(), "Alice");
        assert_eq!(Username::parse("A\u{30a}sa").expect("a name").as_str(), "\u{c5}sa");
        assert_eq!(Username::parse("阿丽丝-😀").expect("a name").as_str(), "阿丽丝-😀");
        assert!(Username::parse(&"ä".repeat(100)).is_ok());
    }

    #[test]
    fn what_nobody_could_read_is_refused() {
        refused("", "EMPTY");
        refused(&"a".repeat(101), "TOO_LONG");
        refused(&"a".repeat(10_000), "TOO_LONG");
        for input in ["a b", " a", "a\u{a0}b", "a\tb", "a\nb", "a\u{7f}", "\u{2028}"] {
            refused(input, "CONTROL_OR_SPACE");
        }
        for input in ["ali\u{200b}ce", "\u{202e}ecila", "\u{3164}", "\u{e000}"] {
            refused(input, "INVISIBLE");
        }
    }

    #[test]
    fn names_that_differ_in_case_have_one_key() {
        let key = |name: &str| Username::parse(name).expect("a name").compare_key();
        assert_eq!(key("Alice"), key("aLICE"));
        assert_eq!(key("GROSS"), key("groß"));
        assert_ne!(key("alice"), key("alicia"));
    }

    proptest! {
        #[test]
        fn parsing_what_was_accepted_changes_nothing(input in "\\PC{1,100}") {
            if let Ok(name) = Username::parse(&input) {
                prop_assert_eq!(Username::parse(name.as_str()), Ok(name));
            }
        }

        #[test]
        fn the_key_of_a_key_is_the_key(input in "\\PC{1,100}") {
            let key = Username::from_stored(input).compare_key();
            prop_assert_eq!(Username::from_stored(key.clone()).compare_key(), key);
        }
    }
}
