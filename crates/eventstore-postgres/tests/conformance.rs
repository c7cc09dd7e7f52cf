//! The suite that both stores pass, on a database of its own for each test.

mod database;

use database::Database;
use eventstore::conformance::{Fixture, Instances, Setting};
use eventstore::{BoxError, ColumnKind, conformance_tests};
use eventstore_postgres::{Options, Store, migrate};
use tokio_postgres::Client;

impl Fixture for Database {
    type Store = Store;

    /// A connection in a transaction that holds the append lock.
    type Block = Client;

    const INSTANCES: Instances = Instances::Any;

    async fn fresh() -> Self {
        Self::new().await
    }

    fn column_type(kind: ColumnKind) -> &'static str {
        match kind {
            ColumnKind::Uuid => "uuid",
            ColumnKind::SmallInt => "smallint",
            ColumnKind::BigInt => "bigint",
            ColumnKind::Text => "text COLLATE \"C\"",
            ColumnKind::Bytes => "bytea",
            ColumnKind::Time => "timestamptz",
        }
    }

    fn text_index(table: &str, column: &str) -> String {
        format!(
            "CREATE EXTENSION IF NOT EXISTS pg_trgm SCHEMA public;
            CREATE INDEX ON {table} USING gin ({column} public.gin_trgm_ops);"
        )
    }

    async fn open(&self, setting: Setting) -> Result<Store, BoxError> {
        let Setting { tables, earlier, migrations, clock } = setting;
        let options = Options { tables, earlier, migrations, clock, ..Options::at(&self.url) };
        migrate(&options).await?;
        Ok(Store::open(options).await?)
    }

    async fn raw(&self, statements: &str) -> Result<(), BoxError> {
        Ok(self.owner().await.batch_execute(statements).await?)
    }

    async fn block_appends(&self) -> Client {
        let owner = self.owner().await;
        let lock = "BEGIN; SELECT pg_advisory_xact_lock(hashtextextended(current_schema(), 0))";
        owner.batch_execute(lock).await.expect("nobody else holds the lock for long");
        owner
    }

    async fn columns(&self) -> Vec<(String, String)> {
        let ask = "SELECT table_name::text, column_name::text FROM information_schema.columns \
            WHERE table_schema IN ('user_service', 'user_service_vault') AND table_name NOT LIKE '%\\_schema\\_history'";
        let rows = self.owner().await.query(ask, &[]).await.expect("the catalog is read");
        rows.iter().map(|row| (row.get(0), row.get(1))).collect()
    }
}

conformance_tests!(Database);
