//! One address in many spellings: case, composed and decomposed letters, the domain in letters and in ASCII.

use fastrand::Rng;
use icu_normalizer::DecomposingNormalizerBorrowed;

/// An address, in the spelling that all others are made from.
#[derive(Clone, Debug)]
pub(super) struct Address {
    local: String,
    domain: String,
}

impl Address {
    /// An address that differs from that of any other round.
    pub(super) fn of_round(round: u64) -> Self {
        Self { local: format!("zoë.åström-{round}"), domain: format!("bücher{round}.Example") }
    }

    /// The same address, spelled in one way or another.
    pub(super) fn spelled(&self, rng: &mut Rng) -> String {
        let local = decomposed(&cased(&self.local, rng), rng);
        let ascii = idna::domain_to_ascii(&self.domain).ok().filter(|_| rng.bool());
        let domain = match ascii {
            Some(ascii) => cased(&ascii, rng),
            None => decomposed(&cased(&self.domain, rng), rng),
        };
        format!("{local}@{domain}")
    }
}

fn cased(text: &str, rng: &mut Rng) -> String {
    let mut spelled = String::with_capacity(text.len());
    for letter in text.chars() {
        if rng.bool() {
            spelled.extend(letter.to_uppercase());
        } else {
            spelled.extend(letter.to_lowercase());
        }
    }
    spelled
}

fn decomposed(text: &str, rng: &mut Rng) -> String {
    if rng.bool() {
        return text.to_owned();
    }
    DecomposingNormalizerBorrowed::new_nfd().normalize(text).into_owned()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use user_domain::Email;

    use super::*;

    #[test]
    fn spellings_differ_and_mean_the_same() {
        let mut rng = Rng::with_seed(1);
        let address = Address::of_round(7);
        let spellings: HashSet<String> = (0..200).map(|_| address.spelled(&mut rng)).collect();
        assert!(spellings.len() > 100, "{}", spellings.len());
        assert!(spellings.iter().any(|spelling| spelling.contains("\u{308}")), "decomposed");
        assert!(spellings.iter().any(|spelling| spelling.to_lowercase().contains("xn--")), "in ASCII");
        let keys: HashSet<String> =
            spellings.iter().map(|spelling| Email::parse(spelling).expect(spelling).compare_key()).collect();
        assert_eq!(keys.len(), 1, "{keys:?}");
    }

    #[test]
    fn rounds_have_addresses_of_their_own() {
        let key = |round| {
            let spelling = Address::of_round(round).spelled(&mut Rng::with_seed(round));
            Email::parse(&spelling).expect("an address").compare_key()
        };
        assert_ne!(key(1), key(2));
    }
}
