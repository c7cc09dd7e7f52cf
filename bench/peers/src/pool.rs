//! The connections: two per caller, all there from the start.

use std::str::FromStr;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions, PgSslMode};
use sqlx::{Pool, Postgres};

/// Twice as many as the callers, where the libraries' own examples have ten: sqlx asks each connection that is given back
/// whether it is well, and meanwhile its caller has another; so nobody waits for one. Nor is one
/// asked whether it still lives before each use, as sqlx would by default: a round trip less, twice per command. Statements
/// stay prepared, and TCP does not wait to fill packets, both as sqlx has it. No encryption: ours has none here either.
pub(crate) async fn filled(url: &str, callers: usize) -> anyhow::Result<Pool<Postgres>> {
    let connections = 2 * callers;
    let options = PgConnectOptions::from_str(url)?.ssl_mode(PgSslMode::Disable);
    let pool = PgPoolOptions::new()
        .max_connections(u32::try_from(connections)?)
        .test_before_acquire(false)
        .connect_with(options)
        .await?;
    let mut all = Vec::new();
    for _ in 0..connections {
        all.push(pool.acquire().await?);
    }
    Ok(pool)
}
