//! Names that nobody may choose, since others would take their owner for somebody who speaks for the service.

use std::collections::HashSet;
use std::sync::LazyLock;

use super::look_alike::look_alike;

/// One a line; lines with `#` say why those below them are reserved.
const LIST: &str = include_str!("reserved_usernames.txt");

static RESERVED: LazyLock<HashSet<String>> = LazyLock::new(|| words().map(look_alike).collect());

fn words() -> impl Iterator<Item = &'static str> {
    LIST.lines().filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// Whether a name is reserved, by its look-alike key.
pub(super) fn is_reserved(key: &str) -> bool {
    RESERVED.contains(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Username;

    #[test]
    fn every_reserved_word_is_a_name_and_stands_there_once() {
        let mut seen = HashSet::new();
        for word in words() {
            assert!(Username::parse(word).is_ok_and(|name| name.as_str() == word), "{word}");
            assert!(seen.insert(word), "{word} stands there twice");
        }
        assert!(seen.len() > 50);
    }
}
