//! The command side: decide and evolve, the bus that takes a command to the log, and the kit that tests are written with.
//!
//! Without features this crate is pure; `bus` brings the store and tokio, `testkit` the test kit.

mod decider;
#[cfg(feature = "testkit")]
pub mod testkit;

pub use decider::{Claim, Decider, Recorded};
