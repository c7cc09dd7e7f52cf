//! An e-mail address: where it is written, and the key under which two of them are the same.

use cqrs::Claim;

use super::caseless::caseless;
use super::characters::{is_control, is_invisible, is_space, is_unassigned};
use crate::Violation;

/// `local@domain`: a dot-atom that may hold letters of any script (RFC 5321, RFC 6531), kept as given, at a domain in
/// lower-case ASCII (UTS 46). Quoted local parts, address literals and domains of one label are refused: they are legal
/// in the RFC and in practice a mistake.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Email(pub(super) Box<str>);

/// RFC 5321 4.5.3.1.3, less the angle brackets.
const BYTES_MAX: usize = 254;
/// RFC 5321 4.5.3.1.1.
const LOCAL_BYTES_MAX: usize = 64;
/// Bounds the work on hostile input: no honest spelling of a domain is four times as long as its ASCII form.
const INPUT_BYTES_MAX: usize = 4 * BYTES_MAX;

impl Email {
    /// The scope of its claim. A different key needs a new number, never a change of this one.
    pub const SCOPE: &'static str = "email.1";

    /// Reads an address that somebody sent.
    pub fn parse(input: &str) -> Result<Self, Violation> {
        if input.is_empty() {
            return Err(violation("EMPTY", "must not be empty"));
        }
        if input.len() > INPUT_BYTES_MAX {
            return Err(too_long());
        }
        let (local, domain) =
            input.rsplit_once('@').ok_or_else(|| violation("SYNTAX", "must have the form local@domain"))?;
        check_local(local)?;
        let address = format!("{local}@{}", ascii_domain(domain)?);
        if address.len() > BYTES_MAX {
            return Err(too_long());
        }
        Ok(Self(address.into()))
    }

    /// Where it is, in lower-case ASCII.
    pub fn domain(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(_, domain)| domain)
    }

    /// What two addresses of one person have in common: the case-folded, canonically spelled local part at the domain.
    ///
    /// Mail servers may tell `Alice` from `alice`; people do not, and a second account by capital letters is a trap.
    pub fn compare_key(&self) -> String {
        caseless(&self.0)
    }

    /// What its owner alone may own.
    pub fn claim(&self) -> Claim {
        Claim { scope: Self::SCOPE, value: self.compare_key() }
    }
}

fn check_local(local: &str) -> Result<(), Violation> {
    if local.len() > LOCAL_BYTES_MAX {
        return Err(violation("LOCAL_PART_TOO_LONG", "must have at most 64 bytes before the @"));
    }
    if local.split('.').all(|atom| !atom.is_empty() && atom.chars().all(is_atom_text)) {
        return Ok(());
    }
    Err(violation("LOCAL_PART_SYNTAX", "must have letters, digits and single dots before the @, unquoted"))
}

/// `atext` of RFC 5322 3.2.3, with RFC 6531's letters of other scripts as far as they can be seen.
fn is_atom_text(character: char) -> bool {
    if character.is_ascii() {
        return character.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(character);
    }
    !is_control(character) && !is_space(character) && !is_invisible(character) && !is_unassigned(character)
}

fn ascii_domain(domain: &str) -> Result<String, Violation> {
    let invalid = || violation("DOMAIN_SYNTAX", "must have a valid domain name after the @");
    let ascii = idna::domain_to_ascii_strict(domain).map_err(|_| invalid())?;
    let (_, top) = ascii.rsplit_once('.').ok_or_else(invalid)?;
    // A top-level domain of digits would be an IP address.
    if top.is_empty() || top.bytes().all(|byte| byte.is_ascii_digit()) { Err(invalid()) } else { Ok(ascii) }
}

fn too_long() -> Violation {
    violation("TOO_LONG", format!("must have at most {BYTES_MAX} bytes"))
}

fn violation(reason: &'static str, description: impl Into<String>) -> Violation {
    Violation::new("email", reason, description)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn accepted(input: &str, stored: &str, key: &str) {
        let email = Email::parse(input).expect(input);
        assert_eq!((email.as_str(), email.compare_key().as_str()), (stored, key));
    }

    #[track_caller]
    fn refused(input: &str, reason: &str) {
        assert_eq!(Email::parse(input).expect_err(input).reason, reason, "{input}");
    }

    #[test]
    fn the_local_part_is_kept_and_the_domain_normalised() {
        accepted("alice@example.org", "alice@example.org", "alice@example.org");
        accepted("Alice.B+tag@Example.ORG", "Alice.B+tag@example.org", "alice.b+tag@example.org");
        accepted("alice@bücher.example", "alice@xn--bcher-kva.example", "alice@xn--bcher-kva.example");
        accepted(
            "ΜΑΡΊΑ@παράδειγμα.ελ",
            "ΜΑΡΊΑ@xn--hxajbheg2az3al.xn--qxam",
            "μαρία@xn--hxajbheg2az3al.xn--qxam",
        );
        accepted("a@xn--BCHER-kva.example", "a@xn--bcher-kva.example", "a@xn--bcher-kva.example");
    }

    #[test]
    fn what_is_not_an_address_is_refused_with_its_reason() {
        refused("", "EMPTY");
        refused("alice", "SYNTAX");
        for input in ["@example.org", ".a@example.org", "a.@example.org", "a..b@example.org"] {
            refused(input, "LOCAL_PART_SYNTAX");
        }
        for input in [
            "a b@example.org",
            "\"a b\"@example.org",
            "a\0@example.org",
            "a@b@example.org",
            "a\u{202e}@example.org",
        ] {
            refused(input, "LOCAL_PART_SYNTAX");
        }
        for input in [
            "a@",
            "a@localhost",
            "a@[127.0.0.1]",
            "a@127.0.0.1",
            "a@example.org.",
            "a@-x.org",
            "a@ex ample.org",
        ] {
            refused(input, "DOMAIN_SYNTAX");
        }
        refused(&format!("{}@example.org", "a".repeat(65)), "LOCAL_PART_TOO_LONG");
        refused(&format!("a@{}.org", "a".repeat(64)), "DOMAIN_SYNTAX");
        refused(&format!("{}@{}.org", "a".repeat(64), "abcdefg.".repeat(24)), "DOMAIN_SYNTAX");
        refused(&"a".repeat(2000), "TOO_LONG");
    }

    #[test]
    fn the_longest_address_has_254_bytes() {
        let domain = format!("{}org", "abcdef.".repeat(26)); // 185 bytes
        let longest = format!("{}@{}{domain}", "a".repeat(64), "xyz.");
        assert_eq!(longest.len(), 254);
        assert!(Email::parse(&longest).is_ok());
        refused(&longest.replace("xyz.", "wxyz."), "TOO_LONG");
    }

    #[test]
    fn a_violation_does_not_repeat_the_address() {
        for input in ["carol", "carol@", "carol@localhost", "ca rol@example.org"] {
            let violation = Email::parse(input).expect_err(input);
            assert!(!format!("{violation} {violation:?}").contains("rol"));
        }
    }

    proptest! {
        #[test]
        fn parsing_what_was_accepted_changes_nothing(input in "\\PC{1,20}@([a-zA-Zäßñж0-9-]{1,12}\\.){1,3}[a-zéж]{2,5}") {
            if let Ok(email) = Email::parse(&input) {
                prop_assert_eq!(Email::parse(email.as_str()), Ok(email));
            }
        }

        #[test]
        fn the_key_of_a_key_is_the_key(input in "\\PC{1,30}@[a-zA-Zäßñж]{1,12}\\.org") {
            let key = Email::from_stored(input).compare_key();
            prop_assert_eq!(Email::from_stored(key.clone()).compare_key(), key);
        }

        #[test]
        fn nothing_that_is_sent_makes_it_panic(input in ".{0,300}") {
            let _ = Email::parse(&input);
        }
    }
}
