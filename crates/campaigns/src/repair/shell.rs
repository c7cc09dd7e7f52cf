//! A shell of the database: what no service does is done here, as its owner; and which rows have been written is noted.

use std::collections::BTreeSet;
use std::path::PathBuf;

use eventstore::{AggregateId, ColumnKind, ProjectionTable, Subject, Value};
use tokio_postgres::Client;
use user_service::projections::LAYOUTS;
use uuid::Uuid;

use crate::ground::{Ground, Kind};

/// Statements as the engine has them, each in a transaction of its own.
pub(super) enum Shell {
    Sqlite(PathBuf),
    Postgres(Client),
}

/// Rows that were written since: of which table, about whom.
pub(super) type Written = BTreeSet<(String, AggregateId)>;

impl Shell {
    pub(super) async fn on(ground: &Ground) -> anyhow::Result<Self> {
        Ok(match ground.kind {
            Kind::Sqlite => Self::Sqlite(ground.folder().join("store.db")),
            Kind::Postgres => {
                let owner = ground.owner().await?;
                owner.batch_execute("SET search_path = user_service").await?;
                Self::Postgres(owner)
            }
        })
    }

    pub(super) async fn run(&self, statements: &str) -> anyhow::Result<()> {
        match self {
            Self::Sqlite(file) => Ok(connection(file)?.execute_batch(statements)?),
            Self::Postgres(owner) => Ok(owner.batch_execute(statements).await?),
        }
    }

    /// From now on each row of these tables that is written is noted, also one that is written as it was.
    pub(super) async fn watch(
        &self,
        tables: impl Iterator<Item = &'static ProjectionTable>,
    ) -> anyhow::Result<()> {
        let note = match self {
            Self::Sqlite(_) => "CREATE TABLE IF NOT EXISTS written (relation TEXT, id BLOB);",
            Self::Postgres(_) => {
                "CREATE TABLE IF NOT EXISTS written (relation text, id uuid); \
                 CREATE OR REPLACE FUNCTION note_written() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
                 INSERT INTO user_service.written VALUES (TG_ARGV[0], coalesce(NEW.id, OLD.id)); RETURN NULL; END $$;"
            }
        };
        self.run(note).await?;
        for table in tables {
            self.run(&self.trigger(table.name)).await?;
        }
        self.run("DELETE FROM written").await
    }

    fn trigger(&self, table: &str) -> String {
        match self {
            Self::Sqlite(_) => {
                let each = [("INSERT", "NEW"), ("UPDATE", "NEW"), ("DELETE", "OLD")];
                let each = each.map(|(on, row)| {
                    format!(
                        "CREATE TRIGGER watch_{table}_{on} AFTER {on} ON \
                         {table} BEGIN INSERT INTO written VALUES ('{table}', {row}.id); END;"
                    )
                });
                each.concat()
            }
            Self::Postgres(_) => format!(
                "CREATE TRIGGER watch AFTER INSERT OR UPDATE OR DELETE ON {table} FOR EACH ROW \
                 EXECUTE FUNCTION note_written('{table}')"
            ),
        }
    }

    /// What has been noted. Nothing is any more: a generation that is built takes after the live one with all it has.
    pub(super) async fn written(&self) -> anyhow::Result<Written> {
        let written = self.noted().await?;
        for table in about_somebody().map(|table| table.name) {
            let away = match self {
                Self::Sqlite(_) => ["INSERT", "UPDATE", "DELETE"]
                    .map(|on| format!("DROP TRIGGER IF EXISTS watch_{table}_{on};"))
                    .concat(),
                Self::Postgres(_) => format!("DROP TRIGGER IF EXISTS watch ON {table}"),
            };
            self.run(&away).await?;
        }
        Ok(written)
    }

    async fn noted(&self) -> anyhow::Result<Written> {
        let statement = "SELECT DISTINCT relation, id FROM written";
        Ok(match self {
            Self::Sqlite(file) => {
                let connection = connection(file)?;
                let mut statement = connection.prepare(statement)?;
                let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
                let id = |bytes: Vec<u8>| Uuid::from_slice(&bytes).map(AggregateId);
                rows.map(|row| row.map_err(anyhow::Error::from).and_then(|(of, bytes)| Ok((of, id(bytes)?))))
                    .collect::<anyhow::Result<_>>()?
            }
            Self::Postgres(owner) => {
                let rows = owner.query("SELECT DISTINCT relation, id::text FROM written", &[]).await?;
                let written = rows.iter().map(|row| {
                    let id: String = row.try_get(1)?;
                    anyhow::Ok((row.try_get(0)?, AggregateId(id.parse()?)))
                });
                written.collect::<anyhow::Result<_>>()?
            }
        })
    }

    /// A value as the engine writes it.
    pub(super) fn literal(&self, value: &Value) -> anyhow::Result<String> {
        Ok(match (self, value) {
            (_, Value::Null) => "NULL".to_owned(),
            (_, Value::SmallInt(number)) => number.to_string(),
            (_, Value::BigInt(number)) => number.to_string(),
            (_, Value::Text(text)) => format!("'{}'", text.replace('\'', "''")),
            (Self::Sqlite(_), Value::Uuid(id)) => format!("X'{}'", id.simple()),
            (Self::Postgres(_), Value::Uuid(id)) => format!("'{id}'::uuid"),
            (Self::Sqlite(_), Value::Time(time)) => time.as_microsecond().to_string(),
            (Self::Postgres(_), Value::Time(time)) => format!("'{time}'::timestamptz"),
            (_, Value::Bytes(_) | Value::RecordedAt | Value::LastPosition) => {
                anyhow::bail!("no column of a projection holds {value:?}")
            }
        })
    }
}

/// The tables whose rows are about somebody; her id is their first column.
pub(super) fn about_somebody() -> impl Iterator<Item = &'static ProjectionTable> {
    LAYOUTS.iter().flat_map(|layout| layout.tables.iter().copied()).filter(|table| is_about_somebody(table))
}

pub(super) fn is_about_somebody(table: &ProjectionTable) -> bool {
    debug_assert!(table.columns.iter().all(|column| column.kind != ColumnKind::Bytes));
    match table.subject {
        Subject::Stream(_) => true,
        Subject::Nobody => false,
    }
}

fn connection(file: &PathBuf) -> anyhow::Result<rusqlite::Connection> {
    let connection = rusqlite::Connection::open(file)?;
    connection.busy_timeout(std::time::Duration::from_secs(10))?;
    Ok(connection)
}
