//! What an operator calls a token. It stands in the open part of the log for ever.

use crate::Violation;
use crate::events::wire::Text;

/// 1 to 100 visible ASCII characters without spaces and without `@`: the name of a service, and never a person's address,
/// which no erasure could reach here.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TokenName(Box<str>);

const BYTES_MAX: usize = 100;

impl TokenName {
    /// Reads a name that somebody gave.
    pub fn parse(input: &str) -> Result<Self, Violation> {
        let wrong = |reason, description: &str| Err(Violation::new("name", reason, description));
        if input.is_empty() {
            return wrong("BLANK", "must not be empty");
        }
        if input.len() > BYTES_MAX {
            return wrong("TOO_LONG", "must have at most 100 characters");
        }
        if !input.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'@') {
            return wrong(
                "NOT_AN_IDENTIFIER",
                "must be visible ASCII characters without spaces and without @",
            );
        }
        Ok(Self(input.into()))
    }

    /// A name that was accepted once, whatever the rules are today.
    #[must_use]
    pub fn from_stored(text: &str) -> Self {
        Self(text.into())
    }

    /// As it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Text for TokenName {
    fn text(&self) -> &str {
        self.as_str()
    }

    fn from_text(text: &str) -> Option<Self> {
        Some(Self::from_stored(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_word_that_names_nobody() {
        let name = |text: &str| TokenName::parse(text).map(|_| ()).map_err(|violation| violation.reason);
        assert_eq!(name("svc:billing-2026"), Ok(()));
        assert_eq!(name(&"x".repeat(100)), Ok(()));
        assert_eq!(name(""), Err("BLANK"));
        assert_eq!(name(&"x".repeat(101)), Err("TOO_LONG"));
        for malformed in ["alice@example.org", "two words", "tab\t", "\u{e9}"] {
            assert_eq!(name(malformed), Err("NOT_AN_IDENTIFIER"), "{malformed}");
        }
    }
}
