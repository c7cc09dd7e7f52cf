//! A connection of a contender, with our names in its path.

use eventstore_postgres::Options;
use tokio_postgres::{Client, NoTls};

/// What our own append connection runs with; so do the others that use large statements.
const PLANNER: &str = "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; \
    SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_bitmapscan = off; SET jit = off;";

pub(crate) async fn connect(url: &str) -> anyhow::Result<Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    // It ends with its client; what it has to say then concerns nobody.
    tokio::spawn(async move { drop(connection.await) });
    Ok(client)
}

/// A connection that sees the tables of our schema.
pub(super) async fn enter(url: &str) -> anyhow::Result<Client> {
    let client = connect(url).await?;
    client.batch_execute(&settings(url)).await?;
    Ok(client)
}

/// What it is told first.
pub(crate) fn settings(url: &str) -> String {
    let schema = Options::at(url).schema;
    format!("SET search_path = {schema}, {schema}_vault; {PLANNER}")
}
