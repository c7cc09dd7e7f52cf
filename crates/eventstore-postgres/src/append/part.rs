//! One part of a batch: rows for one table, and what is done with them.

use eventstore::InlineTable;

use super::array::{Array, Form};

/// Rows that are written by one part of the statement.
#[derive(Debug)]
pub(super) struct Part<'a> {
    pub(super) kind: Kind,
    pub(super) columns: Vec<Column<'a>>,
    pub(super) form: Form,
}

/// What a part does. Every part reads `b`, the head: so the lock is taken before anything is touched.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// The events themselves.
    Events,
    /// Checks that streams are not behind what their appends expect, where no row of an inline table says so.
    Reached,
    Taken,
    Moved,
    Released,
    Requests,
    Inserted(&'static InlineTable),
    Updated(&'static InlineTable),
    Deleted(&'static InlineTable),
}

/// A column of a part's rows.
#[derive(Debug)]
pub(super) struct Column<'a> {
    pub(super) name: &'static str,
    pub(super) values: Array<'a>,
    pub(super) stamp: Stamp,
}

/// What the statement itself adds to the values of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Stamp {
    /// Nothing.
    None,
    /// They count from the head.
    FromHead,
    /// Some of them stand for the time of the batch.
    RecordedAt,
    /// Some of them stand for a position, and count from the head.
    LastPosition,
}

/// A value below this stands for a position that counts from the head. The column may hold what it likes as long as no
/// batch mixes such numbers with positions.
pub(super) const LAST_POSITION_LIMIT: i64 = i64::MIN + (1 << 32);

/// The version that an append expects, beside the columns of its row. The blank keeps it from being one of them.
pub(super) const EXPECTED: &str = "expected version";

/// What makes two statements the same: prepared once, used for every batch that has it.
pub(super) type Shape = Vec<(u8, &'static str, Form, Vec<Stamp>)>;

impl Part<'_> {
    /// This part's contribution to the shape.
    pub(super) fn shape(&self) -> (u8, &'static str, Form, Vec<Stamp>) {
        let (number, table) = match self.kind {
            Kind::Events => (0, ""),
            Kind::Reached => (1, ""),
            Kind::Taken => (2, ""),
            Kind::Moved => (3, ""),
            Kind::Released => (4, ""),
            Kind::Requests => (5, ""),
            Kind::Inserted(table) => (6, table.name),
            Kind::Updated(table) => (7, table.name),
            Kind::Deleted(table) => (8, table.name),
        };
        (number, table, self.form, self.columns.iter().map(|column| column.stamp).collect())
    }

    /// Whether a row that is not found fails the batch. (A row that cannot be inserted does so by itself.)
    pub(super) fn is_counted(&self) -> bool {
        match self.kind {
            Kind::Events | Kind::Taken | Kind::Requests | Kind::Inserted(_) => false,
            Kind::Reached | Kind::Moved | Kind::Released | Kind::Updated(_) | Kind::Deleted(_) => true,
        }
    }
}
