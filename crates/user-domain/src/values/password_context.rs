//! What a password of one person may not be made of: everybody who knows her guesses it first.

use super::{Email, PersonName, Username, caseless};

/// The names by which this service is known to those who log in.
const SERVICE: [&str; 4] = ["userservice", "user-service", "user service", "user_service"];

/// Shorter ones are found in passwords by chance.
const CHARACTERS_MIN: usize = 3;

/// How much there must be beside such words: "alice2026!" is as good as "alice".
const REST_CHARACTERS_MIN: usize = 6;

/// What is known of her, case-folded, with the reason that a password is refused for it. The longest come first.
pub struct PasswordContext(Vec<(String, &'static str)>);

impl PasswordContext {
    /// What is known of somebody by what she is called here.
    pub fn of(email: &Email, username: &Username, names: [Option<&PersonName>; 2]) -> Self {
        let (local, domain) = email.as_str().rsplit_once('@').unwrap_or((email.as_str(), ""));
        let site = domain.split('.').next().unwrap_or_default();
        let names = names.into_iter().flatten();
        let words = [email.as_str(), local, domain, site].map(|word| (word, "PASSWORD_CONTAINS_EMAIL"));
        let words = words.into_iter().chain([(username.as_str(), "PASSWORD_CONTAINS_USERNAME")]);
        let words = words.chain(names.map(|name| (name.as_str(), "PASSWORD_CONTAINS_NAME")));
        let words = words.chain(SERVICE.map(|word| (word, "PASSWORD_CONTAINS_SERVICE_NAME")));
        let mut words: Vec<_> = words.map(|(word, reason)| (caseless(word), reason)).collect();
        words.retain(|(word, _)| word.chars().count() >= CHARACTERS_MIN);
        words.sort_by_key(|(word, _)| std::cmp::Reverse(word.len()));
        Self(words)
    }

    /// Why it is refused, if such words are the whole of it, or nearly: the reason of the longest.
    pub(super) fn refuses(&self, password: &str) -> Option<&'static str> {
        let (mut rest, mut found) = (caseless(password), None);
        for (word, reason) in &self.0 {
            if rest.contains(&**word) {
                rest = rest.replace(&**word, "");
                found = found.or(Some(*reason));
            }
        }
        found.filter(|_| rest.chars().count() < REST_CHARACTERS_MIN)
    }
}

impl std::fmt::Debug for PasswordContext {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PasswordContext")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(password: &str) -> Option<&'static str> {
        let email = Email::parse("ada.lovelace@analytical.example").expect("an address");
        let username = Username::parse("Countess").expect("a name");
        let [first, last] = ["Ada", "Lovelace"].map(|name| PersonName::parse("name", name).expect("a name"));
        PasswordContext::of(&email, &username, [Some(&first), Some(&last)]).refuses(password)
    }

    #[test]
    fn what_she_is_called_is_no_password_of_hers() {
        for (password, reason) in [
            ("Ada.Lovelace", "PASSWORD_CONTAINS_EMAIL"),
            ("ada.lovelace@analytical.example", "PASSWORD_CONTAINS_EMAIL"),
            ("Analytical1", "PASSWORD_CONTAINS_EMAIL"),
            ("countess1815", "PASSWORD_CONTAINS_USERNAME"),
            ("COUNTESSCOUNTESS", "PASSWORD_CONTAINS_USERNAME"),
            ("LovelaceAda!", "PASSWORD_CONTAINS_NAME"),
            ("UserService1", "PASSWORD_CONTAINS_SERVICE_NAME"),
        ] {
            assert_eq!(refused(password), Some(reason), "{password}");
        }
    }

    #[test]
    fn a_word_of_it_in_a_longer_password_is_nothing_bad() {
        for password in ["countess of lovelace and more", "adagio for strings", "correct horse"] {
            assert_eq!(refused(password), None, "{password}");
        }
    }

    #[test]
    fn what_is_known_is_never_printed() {
        let email = Email::parse("ada@example.org").expect("an address");
        let context = PasswordContext::of(&email, &Username::parse("ada").expect("a name"), [None, None]);
        assert_eq!(format!("{context:?}"), "PasswordContext");
    }
}
