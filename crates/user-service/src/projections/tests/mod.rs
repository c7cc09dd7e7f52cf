//! The projectors, without a store: what each event makes of rows.

mod tables;
mod log;
mod sentences;
mod properties;
