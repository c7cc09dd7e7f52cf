//! Passwords that everybody chooses: what is guessed first, whoever is asked (NIST SP 800-63B 3.1.1.2). The list, and where
//! it is from, stands beside this file.

use std::collections::HashSet;
use std::sync::LazyLock;

use super::caseless;

/// Each of at least the eight bytes that every password has, case-folded.
const LIST: &str = include_str!("common_passwords.txt");

static COMMON: LazyLock<HashSet<&'static str>> = LazyLock::new(|| LIST.lines().collect());

/// Whether a password is one of them, whatever its capitals.
pub(super) fn is_common(password: &str) -> bool {
    COMMON.contains(&*caseless(password))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PasswordPolicy;

    #[test]
    fn what_everybody_chooses_is_common_in_any_case() {
        for password in ["password", "PassWord", "12345678", "qwertyuiop", "iloveyou", "P@ssw0rd"] {
            assert!(is_common(password), "{password}");
        }
        for password in ["correct horse", "passwore1x", ""] {
            assert!(!is_common(password), "{password}");
        }
    }

    #[test]
    fn the_list_is_sorted_folded_and_has_nothing_that_is_too_short_anyway() {
        assert!(LIST.lines().is_sorted());
        for password in LIST.lines() {
            assert_eq!(caseless(password), password);
            assert!(password.len() >= PasswordPolicy::BYTES_MIN, "{password}");
        }
        assert!(COMMON.len() > 8000);
    }
}
