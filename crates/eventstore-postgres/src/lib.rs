//! The log in PostgreSQL: what `eventstore-sqlite` does, for any number of processes on one database.
//!
//! One connection of each process appends, outside the pool; the others read. Nothing here knows a user.

mod append;
mod connection;
mod tls;
mod inline;
mod migrate;
mod news;
mod open;
mod options;
mod page;
mod projection;
mod read;
mod row;
mod said;
mod settle;
mod store;
mod verdict;
mod writer;

pub use migrate::migrate;
pub use open::OpenError;
pub use options::{Access, Notify, Options};
pub use said::Said;
pub use store::Store;

// What the tests in here share with those outside.
#[cfg(test)]
extern crate self as eventstore_postgres;
#[cfg(test)]
#[path = "../tests/appends/mod.rs"]
mod appends;
#[cfg(test)]
#[path = "../tests/database/mod.rs"]
mod database;
