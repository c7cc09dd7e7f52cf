//! What a list of users is searched for.

use super::caseless::caseless;
use super::characters::is_control;
use crate::Violation;

/// 1 to 100 characters, in the form in which letters of any case are the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SearchText(Box<str>);

const CHARACTERS_MAX: usize = 100;

impl SearchText {
    /// Reads what somebody searches for. Without control characters: one of them parts what is searched in.
    pub fn parse(input: &str) -> Result<Self, Violation> {
        if input.is_empty() {
            return Err(violation("EMPTY", "must not be empty"));
        }
        if input.chars().take(CHARACTERS_MAX + 1).count() > CHARACTERS_MAX {
            return Err(violation("TOO_LONG", format!("must have at most {CHARACTERS_MAX} characters")));
        }
        if input.chars().any(is_control) {
            return Err(violation("CONTROL", "must have no control characters and no line breaks"));
        }
        Ok(Self(caseless(input).into()))
    }

    /// The folded form, to be looked for in a folded text.
    #[must_use]
    pub fn folded(&self) -> &str {
        &self.0
    }
}

fn violation(reason: &'static str, description: impl Into<String>) -> Violation {
    Violation::new("filter.query", reason, description)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::User;
    use crate::alice;

    #[test]
    fn what_is_searched_for_is_short_and_in_one_line() {
        let told = |text: &str| SearchText::parse(text).map(|_| ()).map_err(|violation| violation.reason);
        assert_eq!(told("%_\\' OR 1=1"), Ok(()));
        assert_eq!(told(&"ä".repeat(100)), Ok(()));
        assert_eq!(told(&"ä".repeat(101)), Err("TOO_LONG"));
        assert_eq!(told(""), Err("EMPTY"));
        for text in ["a\nb", "\0", "\u{2028}"] {
            assert_eq!(told(text), Err("CONTROL"), "{text:?}");
        }
    }

    #[test]
    fn a_user_is_found_by_parts_of_what_she_is_called_in_any_case() {
        let User::Live(user) = alice::given([alice::created()]).state() else { panic!("she lives") };
        let found = |text: &str| user.searched().contains(SearchText::parse(text).expect("a text").folded());
        for text in ["alice", "ALICE@EX", "ample.ORG", "LIDDELL", "i", "Alice"] {
            assert!(found(text), "{text}");
        }
        for text in ["bob", "alice liddell", "orgalice", "org alice"] {
            assert!(!found(text), "{text}");
        }
    }
}
