//! Where the next page begins: opaque, authenticated, and bound to the question it was given for.
//!
//! It holds a key of the last row and nothing else; whoever changes it, or takes it to another question, is found out.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::vault::VaultRoot;

const TAG_BYTES: usize = 16;

/// The question that a token belongs to.
#[derive(Clone, Copy, Debug)]
pub struct PageToken<'a> {
    /// Its method.
    pub method: &'static str,
    /// What else makes it the same question: the filter, the user.
    pub question: &'a [u8],
}

/// The page token is not one that this service gave for this question: start again with an empty one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the page token does not belong to this request")]
pub struct BadToken;

impl PageToken<'_> {
    /// The token for what follows a row.
    pub fn issue(self, root: &VaultRoot, after: &[u8]) -> String {
        URL_SAFE_NO_PAD.encode([after, &self.tag(root, after)].concat())
    }

    /// The row that a token follows; `None` for the first page.
    pub fn read<const N: usize>(self, root: &VaultRoot, token: &str) -> Result<Option<[u8; N]>, BadToken> {
        if token.is_empty() {
            return Ok(None);
        }
        let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| BadToken)?;
        let (after, tag) = bytes.split_last_chunk::<TAG_BYTES>().ok_or(BadToken)?;
        let genuine: bool = self.tag(root, after).ct_eq(tag).into();
        let after = <[u8; N]>::try_from(after).map_err(|_| BadToken)?;
        genuine.then_some(Some(after)).ok_or(BadToken)
    }

    /// The same for a row whose key is personal: nobody else can read it.
    pub fn issue_sealed(self, root: &VaultRoot, after: &[u8]) -> String {
        URL_SAFE_NO_PAD.encode(root.seal_token(&self.place(), after))
    }

    /// The key of the row that a sealed token follows; `None` for the first page.
    pub fn read_sealed(self, root: &VaultRoot, token: &str) -> Result<Option<Zeroizing<Vec<u8>>>, BadToken> {
        if token.is_empty() {
            return Ok(None);
        }
        let sealed = URL_SAFE_NO_PAD.decode(token).map_err(|_| BadToken)?;
        root.open_token(&self.place(), &sealed).map(Some).map_err(|_| BadToken)
    }

    fn place(&self) -> [&[u8]; 2] {
        [self.method.as_bytes(), self.question]
    }

    fn tag(self, root: &VaultRoot, after: &[u8]) -> [u8; TAG_BYTES] {
        root.token_tag(&[self.method.as_bytes(), self.question, after])
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use user_domain::outside::text;

    use super::*;

    const TOKEN: PageToken<'_> = PageToken { method: "ListUsers", question: b"active" };

    #[test]
    fn a_token_belongs_to_its_own_question() {
        let root = VaultRoot::for_test();
        let issued = TOKEN.issue(&root, b"row1");
        assert_eq!(TOKEN.read(&root, &issued), Ok(Some(*b"row1")));
        assert_eq!(TOKEN.read::<4>(&root, ""), Ok(None));
        let other = PageToken { question: b"deleted", ..TOKEN };
        assert_eq!(other.read::<4>(&root, &issued), Err(BadToken));
        let other = PageToken { method: "ListUserEvents", ..TOKEN };
        assert_eq!(other.read::<4>(&root, &issued), Err(BadToken));
    }

    #[test]
    fn nobody_reads_in_a_sealed_token_and_it_belongs_to_its_own_question() {
        let root = VaultRoot::for_test();
        let issued = TOKEN.issue_sealed(&root, b"alice@example.org");
        assert_eq!(issued, TOKEN.issue_sealed(&root, b"alice@example.org"), "it is the same each time");
        let bytes = URL_SAFE_NO_PAD.decode(&issued).expect("it is base64");
        assert!(!bytes.windows(5).any(|five| five == b"alice"));
        let read = |token: &PageToken<'_>, text: &str| {
            token.read_sealed(&root, text).map(|after| after.map(|bytes| bytes.to_vec()))
        };
        assert_eq!(read(&TOKEN, &issued), Ok(Some(b"alice@example.org".to_vec())));
        assert_eq!(read(&TOKEN, ""), Ok(None));
        let other = PageToken { question: b"deleted", ..TOKEN };
        assert_eq!(read(&other, &issued), Err(BadToken));
        for wrong in [&issued[1..], &issued[..issued.len() - 2], "!", "AAAA"] {
            assert_eq!(read(&TOKEN, wrong), Err(BadToken), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn outside_bytes_are_no_page_token(input in text(&["AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "cm93MQ"]), after in any::<[u8; 16]>()) {
            let root = VaultRoot::for_test();
            prop_assert!(input.is_empty() || TOKEN.read::<16>(&root, &input) == Err(BadToken));
            prop_assert!(input.is_empty() || TOKEN.read_sealed(&root, &input) == Err(BadToken));
            prop_assert_eq!(TOKEN.read(&root, &TOKEN.issue(&root, &after)), Ok(Some(after)));
        }
    }

    #[test]
    fn a_forged_or_cut_token_is_refused() {
        let root = VaultRoot::for_test();
        let issued = TOKEN.issue(&root, b"row1");
        let forged = URL_SAFE_NO_PAD.encode([b"row2".as_slice(), &[0; 16]].concat());
        for token in [&issued[1..], &issued[..issued.len() - 1], &forged, "!", "AAAA"] {
            assert_eq!(TOKEN.read::<4>(&root, token), Err(BadToken), "{token}");
        }
    }
}
