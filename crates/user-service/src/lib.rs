//! The user service: the product. Its parts in the order in which a request meets them.

pub mod cli;
pub mod tls;
pub mod host;
pub mod access;
pub mod grpc;
pub mod feed;
pub mod queries;
pub mod imports;
pub mod directory;
pub mod read_model;
pub mod projections;
pub mod vault;
pub mod passwords;
pub mod store;
pub mod doctor;
pub mod erasures;
pub mod metrics;
pub mod traces;
mod admin;
mod data_folder;
mod housekeeping;
mod readiness;
mod sources;

pub use sources::Sources;
