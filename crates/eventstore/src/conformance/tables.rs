//! Two inline tables of an imagined product: one with versions and every kind of column, one with secrets. And what is
//! projected besides.

use crate::{
    AggregateId, ColumnClass, ColumnKind, InlineColumn, InlineTable, Migration, OnErasure, ProjectionLayout,
    ProjectionMode, ProjectionTable, Row, RowChange, RowWrite, Select, Subject, Value,
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

/// The same columns in a later release, which shouts: titles are in capitals.
pub(super) static LOUD_DOCUMENT: InlineTable = InlineTable { generation: 2, ..DOCUMENT };

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

/// Written by the runner: what was noted on each document, how often each word was, and who was named.
pub static NOTES: ProjectionLayout = ProjectionLayout {
    name: "notes",
    revision: 1,
    mode: ProjectionMode::Async,
    tables: &[&NOTE, &WORD, &NAMED],
    subjects: Some(&DOCUMENT),
};

/// The same in a later release: it means something else, and has the same tables.
pub static NOTES_OF_TOMORROW: ProjectionLayout = ProjectionLayout { revision: 2, ..NOTES };

/// A key of two columns, a counter, and a text that goes with the person.
pub static NOTE: ProjectionTable = ProjectionTable {
    name: "note",
    columns: &[
        column("id", ColumnKind::Uuid, ColumnClass::Id, false),
        column("number", ColumnKind::BigInt, ColumnClass::Public, false),
        column("text", ColumnKind::Text, ColumnClass::Derived, false),
        column("stars", ColumnKind::BigInt, ColumnClass::Public, false),
    ],
    key_columns: 2,
    counters: &["stars"],
    subject: Subject::Stream(OnErasure::Redact),
};

/// About nobody.
pub static WORD: ProjectionTable = ProjectionTable {
    name: "word",
    columns: &[
        column("word", ColumnKind::Text, ColumnClass::Public, false),
        column("noted", ColumnKind::BigInt, ColumnClass::Public, false),
        column("seen_at", ColumnKind::Time, ColumnClass::Public, false),
    ],
    key_columns: 1,
    counters: &["noted"],
    subject: Subject::Nobody,
};

/// Its rows go with the person.
pub static NAMED: ProjectionTable = ProjectionTable {
    name: "named",
    columns: &[
        column("id", ColumnKind::Uuid, ColumnClass::Id, false),
        column("name", ColumnKind::Text, ColumnClass::Derived, false),
    ],
    key_columns: 2,
    counters: &[],
    subject: Subject::Stream(OnErasure::Delete),
};

/// The documents, as a projection that is written in the transaction of each append.
pub static DOCUMENTS: ProjectionLayout = ProjectionLayout {
    name: "documents",
    revision: 1,
    mode: ProjectionMode::Inline,
    tables: &[&PROJECTED_DOCUMENT],
    subjects: None,
};

/// See [`DOCUMENT`].
pub static PROJECTED_DOCUMENT: ProjectionTable = ProjectionTable {
    name: DOCUMENT.name,
    columns: DOCUMENT.columns,
    key_columns: 1,
    counters: &[],
    subject: Subject::Stream(OnErasure::Delete),
};

/// The documents in a later release.
pub(super) static DOCUMENTS_OF_TOMORROW: ProjectionLayout = ProjectionLayout { revision: 2, ..DOCUMENTS };

pub(super) static ALL: &[&InlineTable] = &[&DOCUMENT, &SECRET];

/// Those of a later release, and what it can still write.
pub(super) static ALL_OF_TOMORROW: &[&InlineTable] = &[&LOUD_DOCUMENT, &SECRET];
pub(super) static STILL_WRITTEN: &[&InlineTable] = &[&DOCUMENT];

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

/// The schema of all, in the words of the adapter's database. The texts live as long as the test process.
pub(super) fn migrations<F: Fixture>() -> &'static [Migration] {
    let of_inline = |place: &str, table: &InlineTable| {
        leaked(ddl::<F>(&format!("{place}{}", table.name), table.columns, 1))
    };
    let projected = NOTES.tables.iter().map(|table| ddl::<F>(table.name, table.columns, table.key_columns));
    let projected = projected.collect::<String>() + "CREATE UNIQUE INDEX named_by_name ON named (name);";
    Box::leak(Box::new([
        Migration { number: 1, name: "document", sql: of_inline("", &DOCUMENT) },
        Migration { number: 2, name: "secret", sql: of_inline("{vault}.", &SECRET) },
        Migration { number: 3, name: "notes", sql: leaked(projected) },
    ]))
}

fn leaked(text: String) -> &'static str {
    Box::leak(text.into_boxed_str())
}

fn ddl<F: Fixture>(name: &str, columns: &[InlineColumn], key_columns: usize) -> String {
    let key: Vec<_> = columns[..key_columns].iter().map(|column| column.name).collect();
    let columns = columns.iter().map(|column| format!("{} {}", column.name, F::column_type(column.kind)));
    let columns: Vec<_> = columns.collect();
    format!("CREATE TABLE {name} ({}, PRIMARY KEY ({}));\n", columns.join(", "), key.join(", "))
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
