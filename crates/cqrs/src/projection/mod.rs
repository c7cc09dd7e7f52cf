//! Projections that follow the log in their own time: the runner, and how a generation is built beside the live one.
//!
//! [`Projections`] runs them, says how they are, and takes wishes; [`reached`] waits for one of them.

mod projector;
mod settings;
mod wishes;
mod outcome;
mod runner;
mod status;
mod reached;
mod counters;
mod workplace;
mod compete;
mod share;
mod lease;
mod owner;
mod requests;
mod goal;
mod tended;
mod tail;
mod walk;
mod verify;
mod refold;
mod check;
mod check_all;
mod mend;
mod parking;
mod fold;
mod rows;
mod divergence;
mod pace;
mod breaks;
mod retry;

use thiserror::Error;

pub use check::{Checked, Difference, Differs, NotChecked, NotComparable};
pub use check_all::CheckedAll;
pub use outcome::Outcome;
pub use projector::{Decode, Projector};
pub use reached::{NotReached, reached};
pub use runner::{Answer, Projections};
pub use settings::RunnerSettings;
pub use status::{GenerationStatus, Known, Numbers, Owner, Progression, ProjectionStatus};
pub use wishes::{MoreParked, NotAWish, Then, Wish};

/// Why an event cannot be read, in words that hold nothing personal: `unknown type user.cloned`.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct Undecodable(pub String);
