//! The runner of projections on a real store, with a small domain of its own: accounts with a name and a balance.

#![expect(clippy::unwrap_used, reason = "a test that meets what nobody expected ends loudly")]

mod accounts;
mod scene;
mod model;
mod following;
mod owning;
mod parked;
mod rebuilding;
mod releases;
mod diverged;
mod checking;
mod histories;
mod faults;
mod exactly_once;
