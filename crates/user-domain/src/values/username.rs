//! A username: what a person calls herself here, the key under which two of them are the same, and the one under which
//! they look alike.

use cqrs::Claim;
use precis_core::profile::PrecisFastInvocation;
use precis_profiles::{UsernameCaseMapped, UsernameCasePreserved};

use super::caseless::{caseless, nfc};
use super::characters::{is_control, is_invisible, is_space, is_unassigned};
use super::look_alike::look_alike;
use super::reserved_usernames::is_reserved;
use crate::Violation;

/// 1 to 100 letters, digits and ASCII signs of one direction, in canonical spelling (NFC), capitals kept: what RFC 8265 calls
/// `UsernameCaseMapped`, but for the mapping of case, which is in its key. Older ones may be any characters that can be seen.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Username(pub(super) Box<str>);

const CHARACTERS_MAX: usize = 100;
/// Bounds the work on hostile input: up to four characters compose to one, each of up to four bytes.
const INPUT_BYTES_MAX: usize = 4 * 4 * CHARACTERS_MAX;

impl Username {
    /// The scope of its claim. A different key needs a new number, never a change of this one.
    pub const SCOPE: &'static str = "username.1";
    /// The scope of the claim of what it looks like. Users of before this scope do not hold it.
    pub const LOOK_ALIKE_SCOPE: &'static str = "username_look_alike.1";

    /// Reads a name that somebody wants to have.
    pub fn parse(input: &str) -> Result<Self, Violation> {
        Self::visible(input)?;
        let name = UsernameCasePreserved::enforce(input).map_err(|_| not_an_identifier())?;
        // Letters that only small ones of are allowed, and directions that change with the case, are the other profile's.
        UsernameCaseMapped::enforce(&*name).map_err(|_| not_an_identifier())?;
        Self::visible(&name)
    }

    /// Reads a name that somebody looks for: also one that nobody could have any more.
    pub fn sought(input: &str) -> Result<Self, Violation> {
        Self::parse(input).or_else(|_| Self::visible(input))
    }

    /// What every name has always been.
    fn visible(input: &str) -> Result<Self, Violation> {
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

    /// What its owner alone may look like.
    pub fn look_alike_claim(&self) -> Claim {
        Claim { scope: Self::LOOK_ALIKE_SCOPE, value: look_alike(&self.0) }
    }

    /// Whether it is kept for somebody who speaks for the service, or looks like one that is.
    pub(crate) fn is_reserved(&self) -> bool {
        is_reserved(&look_alike(&self.0)) || is_reserved(&look_alike(&self.compare_key()))
    }
}

fn not_an_identifier() -> Violation {
    violation(
        "NOT_AN_IDENTIFIER",
        "must have letters, digits and ASCII signs only, of one direction (RFC 8265)",
    )
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
        assert_eq!(Username::parse("阿丽丝-1").expect("a name").as_str(), "阿丽丝-1");
        assert_eq!(Username::parse("Ａｌｉｃｅ").expect("a name").as_str(), "Alice");
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
    fn what_is_no_identifier_is_refused_and_can_be_looked_for() {
        for input in ["alice😀", "alice☕", "ﬁona", "alice\u{2014}b", "א1a", "\u{301}a"] {
            if input != "\u{301}a" {
                refused(input, "NOT_AN_IDENTIFIER");
            }
            assert!(Username::sought(input).is_ok(), "{input:?}");
        }
        assert_eq!(
            Username::sought("Ａｌｉｃｅ"),
            Username::parse("alice").map(|_| Username("Alice".into()))
        );
        assert!(Username::sought("a b").is_err());
    }

    #[test]
    fn names_that_look_alike_have_one_claim() {
        let claim = |name: &str| Username::parse(name).expect("a name").look_alike_claim().value;
        for (one, other) in [
            ("admin", "\u{430}dmin"),
            ("admin", "adm1n"),
            ("ADMIN", "\u{430}dmin"),
            ("PayPal", "PayPaI"),
            ("paypal", "раураl"),
            ("google", "g00gle"),
            ("corn", "com"),
            ("NORA", "\u{39d}ORA"),
        ] {
            assert_eq!(claim(one), claim(other), "{one} {other}");
        }
        assert_ne!(claim("alice"), claim("alicia"));
    }

    #[test]
    fn whoever_speaks_for_the_service_is_reserved_in_every_disguise() {
        let reserved = |name: &str| Username::parse(name).expect("a name").is_reserved();
        for name in ["admin", "ADMIN", "adm1n", "\u{430}dmin", "Support", "root", "ｒｏｏｔ", "system"] {
            assert!(reserved(name), "{name}");
        }
        for name in ["alice", "administer", "rooty", "adam"] {
            assert!(!reserved(name), "{name}");
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
        fn looking_for_a_name_finds_it(input in "\\PC{1,20}") {
            if let Ok(name) = Username::parse(&input) {
                prop_assert_eq!(Username::sought(&input), Ok(name));
            }
        }

        #[test]
        fn names_that_the_profile_maps_to_one_have_one_key(input in "[\\p{L}\\p{Nd}._-]{1,12}") {
            if let Ok(name) = Username::parse(&input) {
                let mapped = UsernameCaseMapped::enforce(&*input).expect("it has been parsed");
                prop_assert_eq!(Username::from_stored(&*mapped).compare_key(), name.compare_key());
            }
        }

        #[test]
        fn the_key_of_a_key_is_the_key(input in "\\PC{1,100}") {
            let key = Username::from_stored(input).compare_key();
            prop_assert_eq!(Username::from_stored(key.clone()).compare_key(), key);
        }
    }
}
