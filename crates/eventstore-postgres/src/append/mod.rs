//! The writing of one batch: one statement, one message, no BEGIN and no COMMIT around it.
//!
//! A batch is taken apart into parts (`parts`, `event`, `rows`), each with its rows column by column (`array`); the statement's text
//! is made from which parts there are (`statement`), prepared once per shape, and run (`run`). What looks as if it
//! would be refused (`recent`) is looked at before.

mod array;
mod event;
mod part;
mod parts;
mod recent;
mod rows;
mod run;
mod statement;
#[cfg(test)]
mod tests;

pub(crate) use array::{Array, array, element};
pub(crate) use recent::Recent;
pub(crate) use run::{Held, Moved, Statements, Times, WRITER, failed, not_begun};
