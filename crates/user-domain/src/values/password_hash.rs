//! A password hash that somebody imports: its form and its cost are checked here, nothing is hashed.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

use crate::{CredentialAlgorithm, Violation};

/// A PHC string of argon2id or a bcrypt hash, of bounded cost.
///
/// Wiped when dropped. It has no `Display`, no `Serialize` and no `PartialEq`, and its `Debug` names the algorithm only.
///
/// ```compile_fail
/// fn into_a_message(hash: user_domain::PasswordHash) -> String {
///     hash.to_string()
/// }
/// ```
#[derive(Clone)]
pub struct PasswordHash {
    algorithm: CredentialAlgorithm,
    text: SecretString,
}

/// Argon2 memory in KiB: from the least of OWASP's equivalent settings (m=7168, t=5) to what a login may take.
const MEMORY_KIB: std::ops::RangeInclusive<u32> = 7_168..=262_144;
const PASSES: std::ops::RangeInclusive<u32> = 1..=16;
const LANES: std::ops::RangeInclusive<u32> = 1..=16;
/// Memory times passes, in KiB: what one verification writes. About a second of one core.
const WORK_KIB_MAX: u32 = 1_048_576;
/// Each step doubles the time; 15 takes about two seconds.
const BCRYPT_COST: std::ops::RangeInclusive<u32> = 4..=15;
/// RFC 9106 recommends 16 bytes of salt and 32 of hash; these are the bounds of the PHC format.
const SALT_BYTES: std::ops::RangeInclusive<usize> = 8..=48;
const HASH_BYTES: std::ops::RangeInclusive<usize> = 16..=64;

const PHC_BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const BCRYPT_BASE64: &[u8; 64] = b"./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

impl PasswordHash {
    /// Reads a hash that somebody sent as `field`.
    pub fn parse(field: &'static str, input: &str) -> Result<Self, Violation> {
        let (algorithm, checked) = if input.starts_with("$argon2id$") {
            (CredentialAlgorithm::Argon2id, check_argon2id(input))
        } else if input.starts_with("$2") {
            (CredentialAlgorithm::Bcrypt, check_bcrypt(input))
        } else {
            return Err(Violation::new(
                field,
                "UNKNOWN_ALGORITHM",
                "must be an argon2id PHC string or a bcrypt hash",
            ));
        };
        checked.map_err(|flaw| flaw.of(field))?;
        Ok(Self { algorithm, text: SecretString::from(input) })
    }

    /// How it was hashed.
    pub fn algorithm(&self) -> CredentialAlgorithm {
        self.algorithm
    }

    /// The hash itself, for the vault and the verifier alone.
    pub fn expose(&self) -> &str {
        self.text.expose_secret()
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PasswordHash({}, …)", self.algorithm.as_str())
    }
}

enum Flaw {
    Malformed,
    Cost,
}

impl Flaw {
    fn of(self, field: &'static str) -> Violation {
        match self {
            Self::Malformed => {
                Violation::new(field, "MALFORMED_HASH", "must be a well-formed hash of its algorithm")
            }
            Self::Cost => Violation::new(
                field,
                "HASH_COST",
                "must cost between m=7168 and m=262144 KiB, t and p at most 16, m times t at most 1048576 (argon2id), \
                 or 4 to 15 (bcrypt)",
            ),
        }
    }
}

/// `$argon2id$v=19$m=…,t=…,p=…$salt$hash`.
fn check_argon2id(text: &str) -> Result<(), Flaw> {
    let fields: Vec<&str> = text.split('$').collect();
    let ["", "argon2id", "v=19", cost, salt, hash] = fields[..] else { return Err(Flaw::Malformed) };
    let of_length = |text, bytes: std::ops::RangeInclusive<usize>| {
        base64_bytes(PHC_BASE64, text).is_some_and(|length| bytes.contains(&length))
    };
    if !of_length(salt, SALT_BYTES) || !of_length(hash, HASH_BYTES) {
        return Err(Flaw::Malformed);
    }
    let (memory, passes, lanes) = argon2_cost(cost).ok_or(Flaw::Malformed)?;
    let each = MEMORY_KIB.contains(&memory) && PASSES.contains(&passes) && LANES.contains(&lanes);
    if each && memory * passes <= WORK_KIB_MAX { Ok(()) } else { Err(Flaw::Cost) }
}

fn argon2_cost(text: &str) -> Option<(u32, u32, u32)> {
    let mut numbers =
        text.split(',').zip(["m=", "t=", "p="]).map(|(part, name)| decimal(part.strip_prefix(name)?));
    let cost = (numbers.next()??, numbers.next()??, numbers.next()??);
    (text.split(',').count() == 3).then_some(cost)
}

/// Canonical decimals only: what one parser reads, the other must read too.
fn decimal(text: &str) -> Option<u32> {
    let canonical = !text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit());
    if canonical { text.parse().ok() } else { None }
}

/// How many bytes canonical unpadded Base64 stands for; `None` when it is not that. Verifiers refuse what is not.
fn base64_bytes(alphabet: &[u8; 64], text: &str) -> Option<usize> {
    let digit = |byte| alphabet.iter().position(|digit| *digit == byte);
    let digits = text.bytes().map(digit).collect::<Option<Vec<usize>>>()?;
    let unused_bits = match digits.len() % 4 {
        0 => 0,
        2 => 4,
        3 => 2,
        1.. => return None,
    };
    let canonical = digits.last()? % (1 << unused_bits) == 0;
    canonical.then_some(digits.len() * 3 / 4)
}

/// `$2b$10$` and 53 characters of bcrypt's own Base64: 22 of salt, 31 of hash.
fn check_bcrypt(text: &str) -> Result<(), Flaw> {
    let fields: Vec<&str> = text.split('$').collect();
    let ["", "2a" | "2b" | "2y", cost, salt_and_hash] = fields[..] else { return Err(Flaw::Malformed) };
    let (salt, hash) = salt_and_hash.split_at_checked(22).ok_or(Flaw::Malformed)?;
    let bytes = (base64_bytes(BCRYPT_BASE64, salt), base64_bytes(BCRYPT_BASE64, hash));
    let two_digits = cost.len() == 2 && cost.bytes().all(|byte| byte.is_ascii_digit());
    if bytes != (Some(16), Some(23)) || !two_digits {
        return Err(Flaw::Malformed);
    }
    let cost: u32 = cost.parse().map_err(|_| Flaw::Malformed)?;
    if BCRYPT_COST.contains(&cost) { Ok(()) } else { Err(Flaw::Cost) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ARGON2ID: &str =
        "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$iWh06vD8Fy27wf9npn6FXWiCX4K6pW6Ue1Bnzz07Z8A";
    const BCRYPT: &str = "$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy";

    fn reason(input: &str) -> Result<CredentialAlgorithm, &'static str> {
        PasswordHash::parse("password_hash", input)
            .map(|hash| hash.algorithm())
            .map_err(|violation| violation.reason)
    }

    #[test]
    fn argon2id_and_the_three_bcrypts_are_taken() {
        assert_eq!(reason(ARGON2ID), Ok(CredentialAlgorithm::Argon2id));
        for prefix in ["$2a$", "$2b$", "$2y$"] {
            assert_eq!(reason(&BCRYPT.replace("$2b$", prefix)), Ok(CredentialAlgorithm::Bcrypt));
        }
    }

    #[test]
    fn every_setting_that_owasp_recommends_is_taken() {
        for cost in
            ["m=47104,t=1,p=1", "m=19456,t=2,p=1", "m=12288,t=3,p=1", "m=9216,t=4,p=1", "m=7168,t=5,p=1"]
        {
            assert_eq!(reason(&ARGON2ID.replace("m=19456,t=2,p=1", cost)), Ok(CredentialAlgorithm::Argon2id));
        }
    }

    #[test]
    fn a_cost_that_would_stop_the_service_is_refused() {
        for cost in [
            "m=4194304,t=1,p=1",
            "m=1024,t=1,p=1",
            "m=19456,t=17,p=1",
            "m=19456,t=2,p=17",
            "m=262144,t=5,p=1",
        ] {
            assert_eq!(reason(&ARGON2ID.replace("m=19456,t=2,p=1", cost)), Err("HASH_COST"), "{cost}");
        }
        assert_eq!(reason(&BCRYPT.replace("$10$", "$16$")), Err("HASH_COST"));
        assert_eq!(reason(&BCRYPT.replace("$10$", "$03$")), Err("HASH_COST"));
    }

    #[test]
    fn what_is_not_a_hash_is_refused() {
        for text in
            ["", "hunter2hunter2", "$argon2i$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$AA", "$1$salt$hash", "{SHA}x"]
        {
            assert_eq!(reason(text), Err("UNKNOWN_ALGORITHM"), "{text}");
        }
        for (from, to) in
            [("v=19", "v=16"), ("m=19456", "m=019456"), ("p=1$", "p=1,x=2$"), ("t=2", "t=+2"), ("Z8A", "Z8B")]
        {
            assert_eq!(reason(&ARGON2ID.replace(from, to)), Err("MALFORMED_HASH"), "{to}");
        }
        for (from, to) in [
            ("hWy", "hW"),
            ("hWy", "hW!"),
            ("hWy", "hWz"),
            ("MyeI", "MyfI"),
            ("$10$", "$1$"),
            ("$2b$", "$2x$"),
            ("$10$", "$1a$"),
        ] {
            assert_eq!(reason(&BCRYPT.replace(from, to)), Err("MALFORMED_HASH"), "{to}");
        }
    }

    #[test]
    fn a_hash_is_never_printed() {
        let hash = PasswordHash::parse("password_hash", BCRYPT).expect("well formed");
        assert_eq!(format!("{hash:?} {hash:#?}"), "PasswordHash(bcrypt, …) PasswordHash(bcrypt, …)");
        let violation =
            PasswordHash::parse("password_hash", &BCRYPT.replace("$10$", "$31$")).expect_err("cost");
        assert!(!format!("{violation:?}").contains("N9qo8uLO"));
    }

    proptest! {
        #[test]
        fn nothing_that_is_sent_makes_it_panic(tail in ".{0,120}", start in 0_usize..4) {
            let start = ["", "$argon2id$v=19$", "$2b$10$", "$argon2id$v=19$m=19456,t=2,p="][start];
            let _ = PasswordHash::parse("password_hash", &format!("{start}{tail}"));
        }
    }
}
