//! Inline tables: what a product adds to the transaction of an append, as declared columns.
//!
//! A table is data, not code: each adapter makes its own SQL from the declaration, so the store knows no users and
//! the product knows no dialect. Rows are written whole, from the state after the command, keyed by the stream's id.

use jiff::Timestamp;
use uuid::Uuid;

use crate::AggregateId;

/// A table whose rows are written in the transaction of the append. Its DDL stands in the product's migrations.
#[derive(Debug, PartialEq, Eq)]
pub struct InlineTable {
    /// Its name, unqualified.
    pub name: &'static str,
    /// What its rows mean. A writer of another generation is refused, it never writes old-shaped rows beside new ones.
    /// 0 for a table that belongs to a kind of stream that came with it: an earlier release knows neither, writes neither,
    /// and is not kept from writing what it knows. The layout does not name such a table until its rows mean something else.
    pub generation: u16,
    /// Its columns, all of them. The first is the key: the id of the stream.
    pub columns: &'static [InlineColumn],
    /// The column that holds the stream's version, if there is one. An update then asserts that the stored version is
    /// the one that the command was decided on, which is also what finds a version ahead of the head.
    pub version_column: Option<&'static str>,
}

/// A column of an inline table.
#[derive(Debug, PartialEq, Eq)]
pub struct InlineColumn {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub kind: ColumnKind,
    /// How careful one has to be with it.
    pub class: ColumnClass,
    /// Whether it keeps its first value: such a column is not part of an update.
    pub fixed: bool,
}

/// What a column holds. Every kind may be null, but for the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnKind {
    /// A UUID.
    Uuid,
    /// A 16-bit number.
    SmallInt,
    /// A 64-bit number.
    BigInt,
    /// Text, compared bytewise.
    Text,
    /// Bytes.
    Bytes,
    /// A moment, in whole microseconds.
    Time,
}

/// How careful one has to be with a column: what an export, a log line or a backup may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnClass {
    /// Names a thing or a person without saying anything about them.
    Id,
    /// Says nothing about a person.
    Public,
    /// Encrypted or a secret: nothing outside the vault may hold it.
    Sealed,
    /// Personal, and derived from what is sealed: deleted with the person.
    Derived,
}

/// A value of a column. Of two that fit one column the lesser is the one that the stores put first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Value {
    /// Nothing.
    Null,
    /// A UUID.
    Uuid(Uuid),
    /// A 16-bit number.
    SmallInt(i16),
    /// A 64-bit number.
    BigInt(i64),
    /// Text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// A moment that is known already.
    Time(Timestamp),
    /// The moment at which the log takes the append; fits a `Time` column.
    RecordedAt,
    /// The position of the append's last event; fits a `BigInt` column.
    LastPosition,
}

/// A row, in the order of the declared columns.
pub type Row = Vec<Value>;

/// A change of one row: the one whose key is the append's stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowWrite {
    /// The table, as it was declared when the store was opened.
    pub table: &'static InlineTable,
    /// The change.
    pub change: RowChange,
}

/// What happens to a row. A row that is not there when it should be makes the append a conflict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RowChange {
    /// A new row: a value for each column.
    Insert(Row),
    /// The row as it is now: a value for the key and for each column that is not fixed.
    Update(Row),
    /// No row.
    Delete,
}

impl InlineTable {
    /// The column that is the key.
    #[must_use]
    pub fn key(&self) -> &InlineColumn {
        &self.columns[0]
    }

    /// The key and every column that an update writes, in their order.
    pub fn updated_columns(&self) -> impl Iterator<Item = &InlineColumn> {
        self.columns
            .iter()
            .enumerate()
            .filter(|(n, column)| *n == 0 || !column.fixed)
            .map(|(_, column)| column)
    }

    /// What a writer of these tables must find in the store: `user_read_model=1,user_secret=1`.
    #[must_use]
    pub fn layout(tables: &[&'static InlineTable]) -> String {
        let named = tables.iter().filter(|table| table.generation > 0);
        let parts: Vec<_> = named.map(|t| format!("{}={}", t.name, t.generation)).collect();
        parts.join(",")
    }
}

impl RowWrite {
    /// Whether the row has the shape that its table declares, and is the row of this stream.
    #[must_use]
    pub fn fits(&self, aggregate_id: AggregateId) -> bool {
        fn fit<'c>(row: &Row, mut columns: impl Iterator<Item = &'c InlineColumn>) -> bool {
            row.iter().all(|value| columns.next().is_some_and(|column| value.fits(column.kind)))
                && columns.next().is_none()
        }
        let of_stream = |row: &Row| row.first() == Some(&Value::Uuid(aggregate_id.0));
        match &self.change {
            RowChange::Insert(row) => of_stream(row) && fit(row, self.table.columns.iter()),
            RowChange::Update(row) => of_stream(row) && fit(row, self.table.updated_columns()),
            RowChange::Delete => true,
        }
    }
}

impl Value {
    /// Whether a column of this kind can hold it.
    #[must_use]
    pub fn fits(&self, kind: ColumnKind) -> bool {
        match self {
            Self::Null => true,
            Self::Uuid(_) => kind == ColumnKind::Uuid,
            Self::SmallInt(_) => kind == ColumnKind::SmallInt,
            Self::BigInt(_) | Self::LastPosition => kind == ColumnKind::BigInt,
            Self::Text(_) => kind == ColumnKind::Text,
            Self::Bytes(_) => kind == ColumnKind::Bytes,
            Self::Time(_) | Self::RecordedAt => kind == ColumnKind::Time,
        }
    }
}

/// A read of the product's own tables, as SQL that both dialects understand: unqualified names, `$1`, `$2` …
///
/// A test prepares each on both engines. Times are compared as parameters only, never computed with.
#[derive(Debug)]
pub struct Select {
    /// The statement.
    pub sql: &'static str,
    /// What its columns hold, in their order.
    pub columns: &'static [ColumnKind],
}
