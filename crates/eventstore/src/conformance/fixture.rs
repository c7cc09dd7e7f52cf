//! What the suite needs from an adapter.

use std::future::Future;

use crate::{BoxError, Clock, ColumnKind, EventStore, InlineTable, Migration};

use super::tables;

/// An empty place where a store can be, and ways to get at it besides the port.
///
/// Everything in the place goes when the fixture is dropped. Stores may still be open then.
pub trait Fixture: Sized + Send + Sync + 'static {
    /// The adapter's store.
    type Store: EventStore;

    /// Keeps appends waiting while it lives.
    type Block: Send;

    /// How many stores may be open in one place for writing.
    const INSTANCES: Instances;

    /// A place of its own, with nothing in it.
    fn fresh() -> impl Future<Output = Self> + Send;

    /// How a column is declared that holds such values: `BLOB`, `uuid`.
    fn column_type(kind: ColumnKind) -> &'static str;

    /// How a product's migration makes the index of the trigrams of a column, which the adapter knows then.
    fn text_index(table: &str, column: &str) -> String;

    /// Migrates the place and opens its store; the same one each time.
    fn open(&self, setting: Setting) -> impl Future<Output = Result<Self::Store, BoxError>> + Send;

    /// Runs statements past the store, as the owner of the database.
    fn raw(&self, statements: &str) -> impl Future<Output = Result<(), BoxError>> + Send;

    /// Lets appends begin, and then wait until the answer is dropped: the append lock, held by somebody else.
    fn block_appends(&self) -> impl Future<Output = Self::Block> + Send;

    /// Every column of every table in the place, as (table, column); not those of the migrations' histories.
    fn columns(&self) -> impl Future<Output = Vec<(String, String)>> + Send;
}

/// How many stores may be open in one place for writing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instances {
    /// One: the second is refused, since two processes cannot share the file's one writer.
    One,
    /// Any number, all at once.
    Any,
}

/// What a store is opened with.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The inline tables.
    pub tables: &'static [&'static InlineTable],
    /// Earlier generations of them that can still be written.
    pub earlier: &'static [&'static InlineTable],
    /// Their schema.
    pub migrations: &'static [Migration],
    /// Where the time comes from; the adapter's own clock if `None`.
    pub clock: Option<Clock>,
}

impl Setting {
    /// The suite's tables, and the adapter's own clock.
    pub(super) fn plain<F: Fixture>() -> Self {
        Self { tables: tables::ALL, earlier: &[], migrations: tables::migrations::<F>(), clock: None }
    }
}
