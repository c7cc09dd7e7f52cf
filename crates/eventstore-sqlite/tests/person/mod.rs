//! An inline table, for the tests of this crate that need one: people and their addresses.

use eventstore::{ColumnClass, ColumnKind, InlineColumn, InlineTable};

pub(crate) static PERSON: InlineTable = InlineTable {
    name: "person",
    generation: 1,
    version_column: None,
    columns: &[
        InlineColumn { name: "id", kind: ColumnKind::Uuid, class: ColumnClass::Id, fixed: true },
        InlineColumn { name: "email", kind: ColumnKind::Text, class: ColumnClass::Derived, fixed: false },
    ],
};

pub(crate) static TABLES: &[&InlineTable] = &[&PERSON];
