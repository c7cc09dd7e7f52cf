//! The form in which two values are the same to a person: case-folded (Unicode D145, canonical caseless matching) and NFC.

use icu_casemap::CaseMapper;
use icu_normalizer::{ComposingNormalizer, DecomposingNormalizer};

/// Folding comes between the two normalisations: it neither keeps NFC nor, before NFD, finds every letter (U+0345).
/// For assigned characters Unicode promises never to change the result, which is why values refuse unassigned ones.
pub(crate) fn caseless(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let decomposed = DecomposingNormalizer::new_nfd().normalize(text);
    let folded = CaseMapper::new().fold_string(&decomposed);
    ComposingNormalizer::new_nfc().normalize(&folded).into_owned()
}

/// The same characters in one canonical spelling, case kept.
pub(super) fn nfc(text: &str) -> String {
    ComposingNormalizer::new_nfc().normalize(text).into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_same_word_in_other_letters_is_the_same() {
        for (one, other) in
            [("ALICE", "alice"), ("STRASSE", "straße"), ("\u{c5}", "a\u{30a}"), ("ΣΊΣΥΦΟΣ", "σίσυφος")]
        {
            assert_eq!(caseless(one), caseless(other));
        }
        assert_ne!(caseless("alice"), caseless("alíce"));
    }

    #[test]
    fn every_character_folds_to_something_that_folds_to_itself() {
        for character in '\0'..=char::MAX {
            let once = caseless(character.encode_utf8(&mut [0; 4]));
            assert_eq!(caseless(&once), once, "{character:?}");
        }
    }

    proptest! {
        #[test]
        fn folding_twice_is_folding_once(text in "\\PC{0,40}|[\u{300}-\u{345}a-zA-Zα-ωΑ-Ωἀ-ῼ]{0,12}") {
            let once = caseless(&text);
            prop_assert_eq!(caseless(&once), once);
        }

        #[test]
        fn spelling_does_not_matter(text in "\\PC{0,40}") {
            let decomposed = DecomposingNormalizer::new_nfd().normalize(&text).into_owned();
            prop_assert_eq!(caseless(&decomposed), caseless(&nfc(&text)));
        }
    }
}
