//! The connections: one per caller, all there from the start.

use std::str::FromStr;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions, PgSslMode};
use sqlx::{Pool, Postgres};

/// As large as the callers are many, where the libraries' own examples have ten: nobody waits for a connection. Nor is one
/// asked whether it still lives before each use, as sqlx would by default: a round trip less, twice per command. Statements
/// stay prepared, and TCP does not wait to fill packets, both as sqlx has it. No encryption: ours has none here either.
pub(crate) async fn filled(url: &str, callers: usize) -> anyhow::Result<Pool<Postgres>> {
    let options = PgConnectOptions::from_str(url)?.ssl_mode(PgSslMode::Disable);
    let pool = PgPoolOptions::new()
        .max_connections(u32::try_from(callers)?)
        .test_before_acquire(false)
        .connect_with(options)
        .await?;
    let mut all = Vec::new();
    for _ in 0..callers {
        all.push(pool.acquire().await?);
    }
    Ok(pool)
}
