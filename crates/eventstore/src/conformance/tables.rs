//! Two inline tables of an imagined product: one with versions and every kind of column, one with secrets.

use crate::{
    AggregateId, ColumnClass, ColumnKind, InlineColumn, InlineTable, Migration, Row, RowChange, RowWrite,
    Select, Value,
};

use super::Fixture;

/// Every kind of column, fixed and not, and a version.
pub static DOCUMENT: InlineTable = InlineTable {
    name: "document",
    generation: 1,
    version_column: Some("version"),
    columns: &[
        column("id", ColumnKind::Uuid, ColumnClass::Id, true),
        column("version", ColumnKind::BigInt, ColumnClass::Public, false),
        column("position", ColumnKind::BigInt, ColumnClass::Public, false),
        column("created_at", ColumnKind::Time, ColumnClass::Public, true),
        column("updated_at", ColumnKind::Time, ColumnClass::Public, false),
        column("title", ColumnKind::Text, ColumnClass::Derived, false),
        column("shelf", ColumnKind::SmallInt, ColumnClass::Public, false),
        column("digest", ColumnKind::Bytes, ColumnClass::Derived, false),
        column("author", ColumnKind::Uuid, ColumnClass::Id, false),
    ],
};

/// In the vault, and without a version.
pub static SECRET: InlineTable = InlineTable {
    name: "secret",
    generation: 1,
    version_column: None,
    columns: &[
        column("id", ColumnKind::Uuid, ColumnClass::Id, true),
        column("body", ColumnKind::Bytes, ColumnClass::Sealed, false),
    ],
};

pub(super) static ALL: &[&InlineTable] = &[&DOCUMENT, &SECRET];

pub(super) static DOCUMENT_BY_ID: Select = Select {
    sql: "SELECT id, version, position, created_at, updated_at, title, shelf, digest, author FROM document WHERE id = $1",
    columns: &[
        ColumnKind::Uuid,
        ColumnKind::BigInt,
        ColumnKind::BigInt,
        ColumnKind::Time,
        ColumnKind::Time,
        ColumnKind::Text,
        ColumnKind::SmallInt,
        ColumnKind::Bytes,
        ColumnKind::Uuid,
    ],
};

pub(super) static SECRET_BY_ID: Select =
    Select { sql: "SELECT body FROM secret WHERE id = $1", columns: &[ColumnKind::Bytes] };

const fn column(name: &'static str, kind: ColumnKind, class: ColumnClass, fixed: bool) -> InlineColumn {
    InlineColumn { name, kind, class, fixed }
}

/// The schema of both, in the words of the adapter's database. The texts live as long as the test process.
pub(super) fn migrations<F: Fixture>() -> &'static [Migration] {
    let (document, secret) = (ddl::<F>("", &DOCUMENT), ddl::<F>("{vault}.", &SECRET));
    Box::leak(Box::new([
        Migration { number: 1, name: "document", sql: document },
        Migration { number: 2, name: "secret", sql: secret },
    ]))
}

fn ddl<F: Fixture>(place: &str, table: &InlineTable) -> &'static str {
    let columns =
        table.columns.iter().map(|column| format!("{} {}", column.name, F::column_type(column.kind)));
    let columns: Vec<_> = columns.collect();
    let (name, key) = (table.name, table.key().name);
    Box::leak(
        format!("CREATE TABLE {place}{name} ({}, PRIMARY KEY ({key}));", columns.join(", ")).into_boxed_str(),
    )
}

/// A new document with this title, and nothing in the columns that may be empty.
pub(super) fn new_document(id: AggregateId, title: &str) -> RowWrite {
    let row = vec![
        Value::Uuid(id.0),
        Value::BigInt(1),
        Value::LastPosition,
        Value::RecordedAt,
        Value::RecordedAt,
        Value::Text(title.to_owned()),
        Value::Null,
        Value::Null,
        Value::Null,
    ];
    RowWrite { table: &DOCUMENT, change: RowChange::Insert(row) }
}

/// A document as it is after it got this version and title.
pub(super) fn changed_document(id: AggregateId, version: i64, title: &str) -> RowWrite {
    let row = vec![
        Value::Uuid(id.0),
        Value::BigInt(version),
        Value::LastPosition,
        Value::RecordedAt,
        Value::Text(title.to_owned()),
        Value::SmallInt(3),
        Value::Bytes(vec![1]),
        Value::Uuid(id.0),
    ];
    RowWrite { table: &DOCUMENT, change: RowChange::Update(row) }
}

pub(super) fn new_secret(id: AggregateId, body: &[u8]) -> RowWrite {
    RowWrite { table: &SECRET, change: RowChange::Insert(secret_row(id, body)) }
}

pub(super) fn changed_secret(id: AggregateId, body: &[u8]) -> RowWrite {
    RowWrite { table: &SECRET, change: RowChange::Update(secret_row(id, body)) }
}

fn secret_row(id: AggregateId, body: &[u8]) -> Row {
    vec![Value::Uuid(id.0), Value::Bytes(body.to_vec())]
}

pub(super) fn no(table: &'static InlineTable) -> RowWrite {
    RowWrite { table, change: RowChange::Delete }
}
