//! What callers did to one user and were told, with when they asked and when they heard.

/// What a caller gave her for a name, never the same twice.
pub(super) type Value = u64;

/// Something that a caller did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Operation {
    /// When it was asked for: nanoseconds since the beginning.
    pub(super) invoked: u64,
    /// When its answer was there; [`NEVER`] if none came.
    pub(super) answered: u64,
    pub(super) what: What,
}

/// It may still happen.
pub(super) const NEVER: u64 = u64::MAX;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// The service showed this.
    Read { version: u64, value: Option<Value> },
    /// The service said that this is done, and stands in this version.
    Wrote { expected: Option<u64>, version: u64, value: Value },
    /// The service said that she is not in the version that was expected.
    Refused { expected: u64 },
    /// Nobody said whether this is done.
    Unknown { value: Value },
}

/// The version that an etag names.
pub(super) fn version(etag: &str) -> Option<u64> {
    u64::from_str_radix(etag.split_once('-')?.0, 16).ok()
}

/// A value as a name.
pub(super) fn name(value: Value) -> String {
    format!("name {value}")
}

/// The other way round.
pub(super) fn value(name: &str) -> Option<Value> {
    name.strip_prefix("name ")?.parse().ok()
}
