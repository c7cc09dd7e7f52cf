//! Bytes as they come from outside, for properties of parsers: random ones, and good ones that were damaged, which get
//! much further into a parser. `cargo xtask fuzz` tries many more of them than the tests do.

use proptest::prelude::*;

/// No parser takes longer texts, and none should need them to fail.
const CHARACTERS_MAX: usize = 4096;

/// A change of a text: where, what, and with which character.
type Change = (usize, u8, char);

/// Texts, some of which were well-formed before somebody damaged them.
pub fn text(good: &'static [&'static str]) -> impl Strategy<Value = String> {
    let changes = prop::collection::vec((any::<usize>(), any::<u8>(), character()), 0..6);
    let nearly_good =
        (prop::sample::select(good), changes).prop_map(|(good, changes)| damaged(good, &changes));
    prop_oneof![1 => any::<String>(), 1 => ".{0,300}", 6 => nearly_good]
}

/// The same, not all of which are text.
pub fn bytes(good: &'static [&'static str]) -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![1 => prop::collection::vec(any::<u8>(), 0..300), 3 => text(good).prop_map(String::into_bytes)]
}

/// Those that parsers have rules for come more often than they do in Unicode.
fn character() -> impl Strategy<Value = char> {
    let special = "\0\t\n\r \"'$%,-./:;=@[\\]{}~\u{7f}\u{a0}\u{130}\u{131}ß\u{301}\u{200b}\u{202e}\u{feff}\u{ff10}\u{1f600}";
    let special: Vec<char> = special.chars().collect();
    prop_oneof![3 => prop::sample::select(special), 2 => prop::char::range(' ', '~'), 1 => any::<char>()]
}

fn damaged(good: &str, changes: &[Change]) -> String {
    let mut characters: Vec<char> = good.chars().collect();
    for (at, how, character) in changes {
        let at = at % (characters.len() + 1);
        match how % 5 {
            0 => characters.insert(at, *character),
            1 => characters.truncate(at),
            2 => drop(characters.drain(..at)),
            3 => characters.extend_from_within(at..),
            _ => characters.splice(at.saturating_sub(1)..at, [*character]).for_each(drop),
        }
        characters.truncate(CHARACTERS_MAX);
    }
    characters.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::test_runner::TestRunner;

    use super::*;

    /// A parser as it should not be: it takes it for granted that a bracket is closed.
    fn planted(input: &str) -> bool {
        input.strip_prefix('[').is_none_or(|rest| rest.contains(']'))
    }

    #[test]
    fn a_planted_fault_is_found() {
        let found = TestRunner::default().run(&text(&["[::1]:9090"]), |input| {
            prop_assert!(planted(&input));
            Ok(())
        });
        found.expect_err("there are such texts");
    }

    #[test]
    fn what_is_tried_is_not_always_the_same() {
        let tried = std::cell::RefCell::new(BTreeSet::new());
        let ran = TestRunner::default().run(&text(&["alice@example.org"]), |input| {
            tried.borrow_mut().insert(input);
            Ok(())
        });
        ran.expect("nothing is asserted");
        assert!(tried.borrow().len() > 100, "{:?}", tried.borrow());
    }
}
