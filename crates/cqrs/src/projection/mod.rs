//! Projections that follow the log in their own time: the runner, and how a generation is built beside the live one.

mod projector;

use thiserror::Error;

pub use projector::{Decode, Projector};

/// Why an event cannot be read, in words that hold nothing personal: `unknown type user.cloned`.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct Undecodable(pub String);
