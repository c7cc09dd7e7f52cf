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
