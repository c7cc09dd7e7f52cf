//! The service as its callers meet it: over sockets, each test with a store of its own.
//!
//! A case is a function, and `on_both_stores!` makes a test of it on SQLite and one on PostgreSQL. Time stands still and
//! randomness has a seed, so answers can be compared as a whole.

#![expect(clippy::unwrap_used, reason = "a test that meets what nobody expected ends loudly")]

mod stage;
#[path = "../../../eventstore-postgres/tests/authority/mod.rs"]
mod authority;
mod calls;
mod finding;
mod searching;
mod listing;
mod activity;
mod projecting;
mod updating;
mod repeating;
mod lifecycle;
mod names;
mod look_alikes;
mod passwords;
mod throttling;
mod history;
mod audit;
mod erasing;
mod past;
mod transfer;
mod bad_input;
mod tables;
mod secrets;
mod tokens;
mod doctor;
mod process;
mod instances;
mod feeds;
mod metrics;
#[cfg(feature = "otlp")]
mod traces;
