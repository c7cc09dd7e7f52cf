//! Which characters a value may not hold, by their Unicode properties.

use icu_properties::props::{DefaultIgnorableCodePoint, GeneralCategory, WhiteSpace};
use icu_properties::{CodePointMapData, CodePointSetData};

/// Moves the cursor, breaks the line or rings the bell.
pub(super) fn is_control(character: char) -> bool {
    matches!(
        category(character),
        GeneralCategory::Control | GeneralCategory::LineSeparator | GeneralCategory::ParagraphSeparator
    )
}

/// Of any width.
pub(super) fn is_space(character: char) -> bool {
    CodePointSetData::new::<WhiteSpace>().contains(character)
}

/// Not to be seen, so that two values could look the same and differ: zero width, direction marks, fillers.
pub(super) fn is_invisible(character: char) -> bool {
    category(character) == GeneralCategory::Format
        || CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(character)
}

/// Without an agreed meaning. What it will fold to is not known yet, so no claim can rest on it.
pub(super) fn is_unassigned(character: char) -> bool {
    matches!(category(character), GeneralCategory::Unassigned | GeneralCategory::PrivateUse)
}

fn category(character: char) -> GeneralCategory {
    CodePointMapData::<GeneralCategory>::new().get(character)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controls_spaces_and_what_nobody_sees_are_told_apart() {
        assert!(['\0', '\n', '\u{7f}', '\u{85}', '\u{2028}'].into_iter().all(is_control));
        assert!([' ', '\u{a0}', '\u{2003}', '\u{3000}'].into_iter().all(is_space));
        assert!(['\u{200b}', '\u{202e}', '\u{ad}', '\u{3164}', '\u{fe0f}'].into_iter().all(is_invisible));
        assert!(['\u{e000}', '\u{378}', '\u{10ffff}'].into_iter().all(is_unassigned));
    }

    #[test]
    fn letters_of_every_script_pass() {
        for character in "aß\u{30a}Яא中한😀ก".chars() {
            assert!(!is_control(character) && !is_space(character), "{character}");
            assert!(!is_invisible(character) && !is_unassigned(character), "{character}");
        }
    }
}
