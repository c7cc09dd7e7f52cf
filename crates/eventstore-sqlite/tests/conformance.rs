//! The shared suite, on files in folders of their own.

mod place;

use eventstore::conformance::{Fixture, Instances, Setting};
use eventstore::{BoxError, ColumnKind};
use eventstore_sqlite::{Options, Store, migrate};
use rusqlite::Connection;

use place::Place;

eventstore::conformance_tests!(Place);

impl Fixture for Place {
    type Store = Store;
    type Block = Block;

    const INSTANCES: Instances = Instances::One;

    async fn fresh() -> Self {
        Self::new()
    }

    fn column_type(kind: ColumnKind) -> &'static str {
        match kind {
            ColumnKind::Uuid | ColumnKind::Bytes => "BLOB",
            ColumnKind::SmallInt | ColumnKind::BigInt | ColumnKind::Time => "INTEGER",
            ColumnKind::Text => "TEXT",
        }
    }

    fn text_index(table: &str, column: &str) -> String {
        format!(
            "CREATE TABLE {table}_trigrams (
                trigram INTEGER NOT NULL, block INTEGER NOT NULL, {column} BLOB NOT NULL, PRIMARY KEY (trigram, block)
            ) STRICT, WITHOUT ROWID"
        )
    }

    async fn open(&self, setting: Setting) -> Result<Store, BoxError> {
        let Setting { tables, earlier, migrations, clock } = setting;
        let options = Options { tables, earlier, migrations, clock, ..self.options() };
        migrate(&options).await?;
        Ok(Store::open(options).await?)
    }

    async fn raw(&self, statements: &str) -> Result<(), BoxError> {
        Ok(self.shell().execute_batch(statements)?)
    }

    async fn block_appends(&self) -> Block {
        let shell = self.shell();
        shell.execute_batch("BEGIN IMMEDIATE").expect("nobody else writes");
        Block(shell)
    }

    async fn columns(&self) -> Vec<(String, String)> {
        let shell = self.shell();
        let mut statement = shell
            .prepare(
                "SELECT t.name, c.name FROM sqlite_schema t, pragma_table_info(t.name) c
                WHERE t.type = 'table' AND t.name NOT LIKE '%_schema_history'",
            )
            .expect("the schema is a table");
        let columns = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).expect("it is read");
        columns.collect::<Result<_, _>>().expect("names are text")
    }
}

/// Holds the write lock of the file.
#[derive(Debug)]
pub struct Block(Connection);

impl Drop for Block {
    fn drop(&mut self) {
        self.0.execute_batch("ROLLBACK").expect("it ends");
    }
}
