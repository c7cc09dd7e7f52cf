//! What became of a wish, and how that is written down for whoever wished.

use std::fmt;

/// What became of a wish, in words for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It holds now, or did already.
    Done(String),
    /// As things are it makes no sense, or takes something away from readers, or this is not who can do it. What was live
    /// before is live.
    Refused(String),
    /// It was begun, and did not come to what was wished. What was live before is live.
    Failed(String),
}

const REFUSED: &str = "refused: ";
const FAILED: &str = "failed: ";

impl Outcome {
    /// An outcome as it was kept. What a release wrote that did not tell failures apart is taken as done.
    #[must_use]
    pub fn read(text: &str) -> Self {
        match (text.strip_prefix(REFUSED), text.strip_prefix(FAILED)) {
            (Some(why), _) => Self::Refused(why.to_owned()),
            (_, Some(why)) => Self::Failed(why.to_owned()),
            (None, None) => Self::Done(text.to_owned()),
        }
    }

    pub(super) fn done(text: impl Into<String>) -> Self {
        Self::Done(text.into())
    }

    pub(super) fn refused(why: impl Into<String>) -> Self {
        Self::Refused(why.into())
    }

    pub(super) fn failed(why: impl Into<String>) -> Self {
        Self::Failed(why.into())
    }
}

/// As it is kept.
impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done(text) => f.write_str(text),
            Self::Refused(why) => write!(f, "{REFUSED}{why}"),
            Self::Failed(why) => write!(f, "{FAILED}{why}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outcome_is_read_as_it_was_written() {
        for outcome in
            [Outcome::done("paused"), Outcome::refused("no such thing"), Outcome::failed("7 differ")]
        {
            assert_eq!(Outcome::read(&outcome.to_string()), outcome);
        }
    }
}
