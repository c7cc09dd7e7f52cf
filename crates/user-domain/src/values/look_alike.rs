//! What names that look alike have in common: the skeleton of UTS 39, made blind to case.
//!
//! Names are shown with their capitals and compared without. So two of them look alike if they do in small letters, in
//! capitals, or as they are shown: `PayPaI` is `paypal`, and `adm1n` is `ADMIN`.

use unicode_security::skeleton;

use super::caseless;

/// Each round takes a letter to what it looks like small, then to what that looks like as a capital. No letter needs more
/// than three.
const ROUNDS_MAX: usize = 8;

/// The key under which two names look alike. Nobody is shown it.
pub(super) fn look_alike(name: &str) -> String {
    let mut key: String = skeleton(name).collect();
    for _ in 0..ROUNDS_MAX {
        let next = either_case(&key);
        if next == key {
            break;
        }
        key = next;
    }
    key
}

fn either_case(text: &str) -> String {
    let small: String = skeleton(&caseless(text)).collect();
    let capital: String = skeleton(&caseless(&small).to_uppercase()).collect();
    caseless(&capital)
}

#[cfg(test)]
mod tests {
    use precis_core::profile::PrecisFastInvocation;
    use precis_profiles::UsernameCasePreserved;
    use proptest::prelude::*;

    use super::*;

    /// Every character that a name may have.
    fn characters() -> impl Iterator<Item = char> {
        ('!'..=char::MAX).filter(|c| UsernameCasePreserved::enforce(c.to_string()).is_ok())
    }

    #[test]
    fn the_key_of_a_character_is_its_own_key() {
        for character in characters() {
            let key = look_alike(&character.to_string());
            assert_eq!(look_alike(&key), key, "{character:?}");
        }
    }

    /// Claims rest on these keys. If this fails with a newer table, the scope needs a new number.
    #[test]
    fn no_key_has_changed() {
        let keys = characters().map(|character| look_alike(&character.to_string()));
        let sum = keys.flat_map(String::into_bytes).fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| {
            (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        insta::assert_snapshot!(format!("{sum:016x}"), @"2b6a43682df45897");
    }

    proptest! {
        #[test]
        fn the_key_of_a_key_is_the_key(name in "[\\p{L}\\p{Nd}._-]{1,12}") {
            let key = look_alike(&name);
            prop_assert_eq!(look_alike(&key), key);
        }

        #[test]
        fn case_does_not_matter(name in "[a-zA-Z0-9]{1,12}") {
            prop_assert_eq!(look_alike(&name.to_uppercase()), look_alike(&name));
            prop_assert_eq!(look_alike(&name.to_lowercase()), look_alike(&name));
        }
    }
}
