//! The statements of an inline table, made from its declaration.
//!
//! Names come from declarations in the product's source, never from data, so they are not quoted.

use eventstore::InlineTable;

/// The texts for one table, made once when the store is opened.
#[derive(Debug)]
pub(crate) struct TableSql {
    pub(crate) table: &'static InlineTable,
    /// A value for each column.
    pub(crate) insert: String,
    /// The key and each column that is not fixed; the expected version last, if there is a version column.
    pub(crate) update: String,
    /// The key; the expected version, if there is a version column.
    pub(crate) delete: String,
    /// The key; answers with the row's version, or with null if the table has none.
    pub(crate) look: String,
}

impl TableSql {
    /// Those of every table.
    pub(crate) fn of(tables: &[&'static InlineTable]) -> Vec<Self> {
        tables.iter().copied().map(Self::new).collect()
    }

    pub(crate) fn new(table: &'static InlineTable) -> Self {
        let (name, key) = (table.name, table.key().name);
        Self {
            table,
            insert: insert(table),
            update: update(table),
            delete: format!("DELETE FROM {name} WHERE {key} = ?1{}", and_version(table, 2)),
            look: format!("SELECT {} FROM {name} WHERE {key} = ?1", table.version_column.unwrap_or("NULL")),
        }
    }
}

/// The row must be in the version that the command was decided on.
fn and_version(table: &InlineTable, parameter: usize) -> String {
    table.version_column.map_or(String::new(), |column| format!(" AND {column} = ?{parameter}"))
}

fn insert(table: &InlineTable) -> String {
    let columns: Vec<_> = table.columns.iter().map(|column| column.name).collect();
    let values: Vec<_> = (1..=columns.len()).map(|n| format!("?{n}")).collect();
    format!("INSERT INTO {} ({}) VALUES ({})", table.name, columns.join(", "), values.join(", "))
}

fn update(table: &InlineTable) -> String {
    let written: Vec<_> = table.updated_columns().map(|column| column.name).collect();
    // A table whose every column is fixed still has an update: one that asserts that the row is there.
    let mut set: Vec<_> = (1..written.len()).map(|n| format!("{} = ?{}", written[n], n + 1)).collect();
    if set.is_empty() {
        set.push(format!("{0} = {0}", written[0]));
    }
    let version = and_version(table, written.len() + 1);
    format!("UPDATE {} SET {} WHERE {} = ?1{version}", table.name, set.join(", "), written[0])
}
