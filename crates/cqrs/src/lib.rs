//! The command side: decide and evolve, the bus that takes a command to the log, and the kit that tests are written with.
//!
//! Without features this crate is pure; `bus` brings the store and tokio, `projections` the runner of projections,
//! `testkit` the test kit.

#[cfg(feature = "bus")]
mod bus;
mod decider;
#[cfg(feature = "projections")]
pub mod projection;
#[cfg(feature = "testkit")]
pub mod testkit;

#[cfg(feature = "bus")]
pub use bus::{
    Aggregates, Change, CommandBus, CommandError, Execution, Fault, Outcome, PENDING_POSITION, PENDING_TIME,
    Rehearsed, Written,
};
pub use decider::{Claim, Decider, Recorded};
