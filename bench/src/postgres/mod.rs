//! The contenders on PostgreSQL: ours and three others, each on a database of its own with empty tables.

mod server;
mod database;
mod session;
mod datum;
mod ours;
mod processes;
mod raw;
mod raw_all;
mod raw_all_sql;
mod copy;
mod seed;

pub(crate) use copy::measure_copy;
pub(crate) use database::Database;
pub(crate) use ours::{Ours, measure_ours};
pub(crate) use processes::{Instance, measure_processes};
pub(crate) use raw::measure_raw;
pub(crate) use raw_all::measure_raw_all;
pub(crate) use seed::measure_seed;
pub(crate) use server::Server;
pub(crate) use session::connect;
