//! Lifts what older versions wrote to the shape of today: pure functions on the JSON of the two parts, one per version.

use serde_json::{Map, Value};

/// The two parts of an event as JSON, in the order in which they were written.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct JsonParts {
    pub(crate) open: Map<String, Value>,
    /// `None` when the type has none, and when it is gone with the user's key.
    pub(crate) personal: Option<Map<String, Value>>,
}

/// From one version to the next. Total: a shape that it does not expect it leaves alone, and reading it will fail.
pub(crate) type Upcaster = fn(JsonParts) -> JsonParts;

/// `found` is the version that was written, from 1.
pub(crate) fn upcast(upcasters: &[Upcaster], found: u16, parts: JsonParts) -> JsonParts {
    let done = usize::from(found).saturating_sub(1);
    upcasters.iter().skip(done).fold(parts, |parts, lift| lift(parts))
}

#[cfg(test)]
mod tests {
    //! No event has an older shape yet, so the chain is tried on one that only tests know.

    use jiff::Timestamp;
    use serde::{Deserialize, Serialize};

    use super::*;
    use crate::LiveUser;
    use crate::events::{Change, DecodeError, EventType, Part, Personal, Redactable, decode, encode};

    /// Version 1 had `mood` for everyone to read, version 2 called its personal part `words`.
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Greeted {
        times: u32,
        #[serde(skip)]
        personal: Redactable<Greeting>,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Greeting {
        text: String,
    }

    impl EventType for Greeted {
        const NAME: &'static str = "test.greeted";
        const UPCASTERS: &'static [Upcaster] = &[mood_is_nobodys_business, words_are_text];
        type Personal = Greeting;

        fn personal(&self) -> Option<&Redactable<Greeting>> {
            Some(&self.personal)
        }

        fn personal_mut(&mut self) -> Option<&mut Redactable<Greeting>> {
            Some(&mut self.personal)
        }

        fn apply(&self, _: &mut LiveUser, _: Timestamp) {}

        fn changes(&self) -> Vec<Change> {
            Vec::new()
        }
    }

    fn mood_is_nobodys_business(mut parts: JsonParts) -> JsonParts {
        parts.open.shift_remove("mood");
        parts.open.insert("times".to_owned(), 1.into());
        parts
    }

    fn words_are_text(mut parts: JsonParts) -> JsonParts {
        if let Some(words) = parts.personal.as_mut().and_then(|personal| personal.shift_remove("words")) {
            parts.personal.get_or_insert_default().insert("text".to_owned(), words);
        }
        parts
    }

    fn greeted(times: u32) -> Greeted {
        Greeted { times, personal: Redactable::Known(Greeting { text: "hello".to_owned() }) }
    }

    #[test]
    fn every_older_version_is_lifted_to_the_newest() {
        let words = Personal::Present(r#"{"words":"hello"}"#);
        assert_eq!(decode(1, r#"{"mood":"fine"}"#, words), Ok(greeted(1)));
        assert_eq!(decode(2, r#"{"times":7}"#, words), Ok(greeted(7)));
        assert_eq!(decode(3, r#"{"times":7}"#, Personal::Present(r#"{"text":"hello"}"#)), Ok(greeted(7)));
        assert_eq!(encode(&greeted(7)).data, r#"{"times":7}"#);
    }

    #[test]
    fn an_older_version_is_lifted_without_the_users_key() {
        let erased = Greeted { times: 1, personal: Redactable::Erased };
        assert_eq!(decode(1, r#"{"mood":"fine"}"#, Personal::Erased), Ok(erased));
    }

    #[test]
    fn a_version_from_the_future_is_told_from_damage() {
        let newer = DecodeError::NewerVersion { event_type: "test.greeted", found: 4, known: 3 };
        assert_eq!(decode::<Greeted>(4, "{}", Personal::None), Err(newer));
        for (found, open) in [(0, r#"{"mood":"fine"}"#), (1, "[]"), (2, r#"{"times":"many"}"#)] {
            let error =
                decode::<Greeted>(found, open, Personal::Present(r#"{"words":"hello"}"#)).expect_err(open);
            assert!(matches!(error, DecodeError::Malformed { part: Part::Open, .. }), "{error}");
        }
    }
}
