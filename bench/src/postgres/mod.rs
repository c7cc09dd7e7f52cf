//! The contenders on PostgreSQL: ours and others, each on a database of its own with empty tables.

mod server;
mod database;
mod session;
mod datum;
mod ours;
mod processes;
mod loaded;
mod raw;
mod raw_all;
mod raw_all_sql;
mod copy;
mod seed;
mod peers;

pub(crate) use copy::measure_copy;
pub(crate) use database::Database;
pub(crate) use loaded::measure_loaded;
pub(crate) use ours::{Ours, measure_ours};
pub(crate) use peers::{Peer, measure_peer};
pub(crate) use processes::{Instance, measure_processes};
pub(crate) use raw::measure_raw;
pub(crate) use raw_all::measure_raw_all;
pub(crate) use seed::{SEED_SCHEMA, measure_seed};
pub(crate) use server::Server;
pub(crate) use session::{connect, settings};
