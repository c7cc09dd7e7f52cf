//! What an operator does who puts back the log and what is written with it, and leaves what is derived where it is: the
//! tables of async projections and their checkpoints stay, all others are as in the backup.

use anyhow::Context;
use eventstore::ProjectionMode;
use futures_util::{SinkExt, StreamExt, pin_mut};
use rusqlite::Connection;
use tokio_postgres::Client;
use user_service::projections::LAYOUTS;

use crate::ground::{FILE, Ground, Kind};

/// What the runner of projections keeps, beside their rows.
const CATALOG: &str =
    "'projections', 'projection_leases', 'projection_wishes', 'parked_events', 'derived_tables'";

/// Puts the log back. A service may be running on a database, not on a file.
pub(super) async fn put_back(ground: &Ground, backup: &Ground) -> anyhow::Result<()> {
    match ground.kind {
        Kind::Sqlite => in_file(ground, backup),
        Kind::Postgres => in_database(&ground.owner().await?, &backup.owner().await?).await,
    }
}

/// The names of projections whose rows come with the log.
fn inline() -> String {
    let inline = LAYOUTS.iter().filter(|layout| layout.mode == ProjectionMode::Inline);
    inline.map(|layout| format!("'{}'", layout.name)).collect::<Vec<_>>().join(", ")
}

fn in_file(ground: &Ground, backup: &Ground) -> anyhow::Result<()> {
    let file = Connection::open(ground.folder().join(FILE))?;
    let from = backup.folder().join(FILE);
    file.execute("ATTACH ?1 AS backup", [from.to_str().context("it is a path that we have made")?])?;
    let texts = |query: &str| -> rusqlite::Result<Vec<String>> {
        file.prepare(query)?.query_map([], |row| row.get(0))?.collect()
    };
    // Nobody rewrites events but whoever puts them back.
    let (names, triggers) = ("SELECT name", "FROM main.sqlite_schema WHERE type = 'trigger'");
    let made = texts(&format!("SELECT sql {triggers}"))?;
    for name in texts(&format!("{names} {triggers}"))? {
        file.execute_batch(&format!("DROP TRIGGER {name}"))?;
    }
    let tables = format!(
        "SELECT name FROM main.sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' \
         AND name NOT LIKE '%\\_trigrams%' ESCAPE '\\' AND name NOT IN ({CATALOG}) AND name NOT IN \
             (SELECT table_name FROM main.derived_tables WHERE projection NOT IN ({}))",
        inline()
    );
    file.execute_batch("BEGIN IMMEDIATE")?;
    for table in texts(&tables)? {
        file.execute_batch(&format!(
            "DELETE FROM main.\"{table}\"; INSERT INTO main.\"{table}\" SELECT * FROM backup.\"{table}\""
        ))?;
    }
    file.execute_batch("COMMIT")?;
    made.iter().try_for_each(|made| file.execute_batch(made))?;
    Ok(())
}

/// In one transaction: whoever reads meanwhile sees the one log or the other.
async fn in_database(owner: &Client, backup: &Client) -> anyhow::Result<()> {
    let tables = format!(
        "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables \
         WHERE schemaname IN ('user_service', 'user_service_vault') AND tablename NOT IN ({CATALOG}) \
         AND tablename NOT IN \
             (SELECT table_name FROM user_service.derived_tables WHERE projection NOT IN ({}))",
        inline()
    );
    let tables = owner.query(&tables, &[]).await?;
    // Triggers stand still.
    owner.batch_execute("BEGIN; SET LOCAL session_replication_role = replica").await?;
    for row in tables {
        let table: String = row.try_get(0)?;
        owner.batch_execute(&format!("DELETE FROM {table}")).await?;
        let (out, into) = (format!("COPY {table} TO STDOUT"), format!("COPY {table} FROM STDIN"));
        let (rows, sink) = (backup.copy_out(&out).await?, owner.copy_in(&into).await?);
        pin_mut!(rows, sink);
        while let Some(rows) = rows.next().await {
            sink.send(rows?).await?;
        }
        sink.finish().await?;
    }
    Ok(owner.batch_execute("COMMIT").await?)
}
