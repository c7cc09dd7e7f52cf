//! A token as it travels: `ust_<id>_<secret>`, an id to find it by and 256 random bits. It is shown once, when it is made.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::Sources;
use crate::vault::SecretHash;

/// So that whoever finds one in a file or a log knows what it is. (User service token.)
const PREFIX: &str = "ust_";

/// 32 hex digits.
const ID_BYTES: usize = 32;

/// A token with its secret. It cannot be printed but by [`BearerToken::reveal`].
pub struct BearerToken {
    /// Which token.
    pub id: Uuid,
    secret: Zeroizing<[u8; 32]>,
}

impl BearerToken {
    /// A fresh one.
    #[must_use]
    pub fn generate(sources: &Sources) -> Self {
        Self { id: sources.uuid(), secret: Zeroizing::new(sources.random()) }
    }

    /// Reads what somebody shows: each token has one spelling, and each of its characters counts.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (id, secret) = text.strip_prefix(PREFIX)?.split_at_checked(ID_BYTES)?;
        let mut bytes = Zeroizing::new([0; 33]);
        let length = URL_SAFE_NO_PAD.decode_slice(secret.strip_prefix('_')?, &mut *bytes).ok()?;
        let token = Self {
            id: Uuid::try_parse(id).ok()?,
            secret: Zeroizing::new(bytes.get(..length)?.try_into().ok()?),
        };
        (*token.reveal() == text).then_some(token)
    }

    /// What is given to whoever will call: the only time that the secret is written out.
    #[must_use]
    pub fn reveal(&self) -> Zeroizing<String> {
        let secret = Zeroizing::new(URL_SAFE_NO_PAD.encode(*self.secret));
        Zeroizing::new(format!("{PREFIX}{}_{}", self.id.simple(), *secret))
    }

    /// What the vault keeps.
    pub(super) fn hash(&self) -> SecretHash {
        SecretHash::of(&self.secret)
    }

    /// Whether the vault's hash is of this one.
    pub(super) fn matches(&self, hash: &SecretHash) -> bool {
        hash.is_of(&self.secret)
    }
}

impl fmt::Debug for BearerToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BearerToken").field("id", &self.id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token() -> BearerToken {
        BearerToken {
            id: Uuid::from_u128(0x0198_0000_0000_7000_8000_0000_0000_0001),
            secret: Zeroizing::new([255; 32]),
        }
    }

    #[test]
    fn a_token_has_one_spelling() {
        let text = token().reveal();
        assert_eq!(*text, "ust_01980000000070008000000000000001___________________________________________8");
        let read = BearerToken::parse(&text).expect("it is one");
        assert_eq!(read.id, token().id);
        assert!(read.matches(&token().hash()));
        for length in 0..text.len() {
            assert!(BearerToken::parse(&text[..length]).is_none(), "cut at {length}");
        }
        let upper = text.replacen("7000", "7OOO", 1);
        let last = text[..text.len() - 1].to_owned() + "9";
        for other in [upper, last, format!("{}=", *text), format!(" {}", *text), text.to_uppercase()] {
            assert!(BearerToken::parse(&other).is_none(), "{other}");
        }
    }

    #[test]
    fn every_bit_of_the_secret_counts() {
        let mut other = token();
        other.secret[31] ^= 1;
        assert!(!other.matches(&token().hash()));
    }

    #[test]
    fn a_token_is_not_printed() {
        let shown = format!("{:?}", token());
        assert_eq!(shown, "BearerToken { id: 01980000-0000-7000-8000-000000000001, .. }");
    }
}
