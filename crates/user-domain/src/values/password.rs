//! A password on its way to be hashed: borrowed, never kept, never printed.

use std::fmt;

use super::PasswordContext;
use super::common_passwords::is_common;
use crate::Violation;

/// How long a password must be, and how often a caller may be wrong about one. No rules of composition: they make passwords worse (NIST SP 800-63B 3.1.1.2). What is guessed
/// first is refused instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PasswordPolicy {
    bytes_min: usize,
    caller_failures_max: u32,
}

impl PasswordPolicy {
    /// The least that can be configured.
    pub const BYTES_MIN: usize = 8;
    /// Of a minute. Many users come through one address: this is for those who try many names.
    pub const CALLER_FAILURES_MAX: u32 = 100;
    /// Bounds the work that a caller can ask of the hash.
    pub const BYTES_MAX: usize = 1024;

    /// A policy of at least so many bytes; `None` outside of 8 to 1024.
    pub fn at_least(bytes_min: usize) -> Option<Self> {
        (Self::BYTES_MIN..=Self::BYTES_MAX)
            .contains(&bytes_min)
            .then_some(Self { bytes_min, ..Self::default() })
    }

    /// The same policy for callers who may be wrong so often in a minute; as often as they like if it is 0.
    #[must_use]
    pub fn with_caller_failures_max(self, caller_failures_max: u32) -> Self {
        Self { caller_failures_max, ..self }
    }

    /// How often a caller may be wrong in a minute, whomever she asks for; 0 for as often as she likes.
    pub fn caller_failures_max(self) -> u32 {
        self.caller_failures_max
    }

    /// The shortest password that it accepts.
    pub fn bytes_min(self) -> usize {
        self.bytes_min
    }
}

impl Default for PasswordPolicy {
    fn default() -> Self {
        Self { bytes_min: Self::BYTES_MIN, caller_failures_max: Self::CALLER_FAILURES_MAX }
    }
}

/// A password that somebody typed. Its `Debug` shows nothing, and it has no `Display` and no `Serialize`.
///
/// ```compile_fail
/// fn into_a_message(password: user_domain::Password<'_>) -> String {
///     password.to_string()
/// }
/// ```
#[derive(Clone, Copy)]
pub struct Password<'a>(&'a str);

impl<'a> Password<'a> {
    /// A new password, sent as `field`.
    pub fn chosen(field: &'static str, input: &'a str, policy: PasswordPolicy) -> Result<Self, Violation> {
        if input.len() < policy.bytes_min {
            let description = format!("must have at least {} bytes", policy.bytes_min);
            return Err(Violation::new(field, "TOO_SHORT", description));
        }
        let password = Self::claimed(field, input)?;
        if is_common(input) {
            return Err(Violation::new(
                field,
                "PASSWORD_TOO_COMMON",
                "is among the passwords that are guessed first",
            ));
        }
        Ok(password)
    }

    /// The same password, sent as `field`, unless it is made of what is known of its owner.
    pub fn apart_from(self, field: &'static str, context: &PasswordContext) -> Result<Self, Violation> {
        match context.refuses(self.0) {
            None => Ok(self),
            Some(reason) => {
                let description = "is made of an address or a name of the user's, or of this service's";
                Err(Violation::new(field, reason, description))
            }
        }
    }

    /// A password that is to be compared with the user's, sent as `field`. The policy of its day may have been weaker.
    pub fn claimed(field: &'static str, input: &'a str) -> Result<Self, Violation> {
        if input.len() > PasswordPolicy::BYTES_MAX {
            let description = format!("must have at most {} bytes", PasswordPolicy::BYTES_MAX);
            return Err(Violation::new(field, "TOO_LONG", description));
        }
        Ok(Self(input))
    }

    /// The password itself, for the hash alone.
    pub fn expose(self) -> &'a str {
        self.0
    }
}

impl fmt::Debug for Password<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_guessed_first_is_refused() {
        let chosen = |text| Password::chosen("password", text, PasswordPolicy::default()).map(|_| ());
        let refusal = chosen("Password1").expect_err("everybody has it");
        assert_eq!((refusal.reason, refusal.field), ("PASSWORD_TOO_COMMON", "password"));
        assert!(!format!("{refusal} {refusal:?}").contains("Password1"));
        assert_eq!(chosen("correct horse"), Ok(()));
        assert!(Password::claimed("password", "password").is_ok(), "of before the list");
    }

    #[test]
    fn a_password_has_8_to_1024_bytes() {
        let chosen = |length| {
            let text = "-x".repeat(length)[..length].to_owned();
            Password::chosen("password", &text, PasswordPolicy::default()).map(|_| ()).map_err(|v| v.reason)
        };
        assert_eq!(chosen(7), Err("TOO_SHORT"));
        assert_eq!(chosen(8), Ok(()));
        assert_eq!(chosen(1024), Ok(()));
        assert_eq!(chosen(1025), Err("TOO_LONG"));
    }

    #[test]
    fn the_least_length_is_configured_upwards_only() {
        assert_eq!(PasswordPolicy::at_least(7), None);
        assert_eq!(PasswordPolicy::at_least(1025), None);
        let policy = PasswordPolicy::at_least(12).expect("within the bounds");
        assert!(Password::chosen("password", "elevenbytes", policy).is_err());
        assert!(Password::claimed("old_password", "short").is_ok());
    }

    #[test]
    fn a_password_is_never_printed() {
        let password = Password::claimed("password", "hunter2hunter2").expect("short enough");
        assert_eq!(format!("{password:?} {password:#?}"), "Password(…) Password(…)");
    }
}
