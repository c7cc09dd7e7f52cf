//! What an error says, in words that may be logged and shown.
//!
//! A server's DETAIL and HINT repeat rows ("Failing row contains …"), so none of the driver's own errors leaves this
//! crate: whoever prints an error prints its causes too.

use std::error::Error as StdError;
use std::time::Duration;

use thiserror::Error;
use tokio_postgres::error::DbError;

/// An error and its causes in one sentence. What the server said is its main message, with the SQLSTATE.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct Said(String);

impl Said {
    /// What an error says.
    pub(crate) fn by(error: &(dyn StdError + 'static)) -> Self {
        let mut said = String::new();
        let mut next = Some(error);
        while let Some(error) = next {
            let words = error.downcast_ref().map_or_else(|| error.to_string(), by_server);
            // Some repeat what their cause says; "db error" is all that the driver says about the server's words.
            if words != "db error" && !said.ends_with(&words) {
                if !said.is_empty() {
                    said += ": ";
                }
                said += &words;
            }
            next = error.source();
        }
        Self(said)
    }

    /// The server answered nothing for so long.
    pub(crate) fn nothing(patience: Duration) -> Self {
        Self(format!("the server said nothing for {} s", patience.as_secs()))
    }
}

impl From<tokio_postgres::Error> for Said {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::by(&error)
    }
}

fn by_server(error: &DbError) -> String {
    format!("{} ({})", error.message(), error.code().code())
}
