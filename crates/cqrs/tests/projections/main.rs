//! The runner of projections on both stores, with a small domain of its own: accounts with a name and a balance.
//!
//! A case is a function, and `on_both_stores!` makes a test of it for each store.

#![expect(clippy::unwrap_used, reason = "a test that meets what nobody expected ends loudly")]

mod accounts;
mod schema;
#[path = "../../../eventstore-postgres/tests/database/mod.rs"]
mod database;
mod place;
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
