//! Whether the database is what we think it is, and what it says when it is not.

use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{Hook, HookError, Manager, ManagerConfig, Pool, RecyclingMethod, Runtime, Timeouts};
use eventstore::{BoxError, Clock, Durability, LogId};
use jiff::Timestamp;
use thiserror::Error;
use tokio_postgres::{Client, NoTls};
use tracing::warn;

use crate::Options;
use crate::connection::Door;
use crate::migrate::first_missing;
use crate::row::Moment;

/// The oldest server that is tested.
const SERVER_MIN: i32 = 15;

/// How long a read waits for one of the connections.
const POOL_PATIENCE: Duration = Duration::from_secs(5);

/// Why a store does not open. Each says what to do about it.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The schema's name is more than lower-case letters, digits and underscores, or too long.
    #[error("{0:?} is no name for a schema: use lower-case letters, digits and underscores, at most fifty")]
    SchemaName(String),
    /// The database cannot be reached, or does not allow what is needed.
    #[error("the database cannot be opened: see whether it runs, and what it allows this user")]
    Database(#[from] tokio_postgres::Error),
    /// The server is older than what is tested.
    #[error("this is PostgreSQL {0}: use {SERVER_MIN} or newer")]
    TooOldServer(i32),
    /// It has not been migrated to what this binary needs.
    #[error("the store lacks the migration {0}: migrate first")]
    NotMigrated(String),
    /// A migration has been edited after it was applied.
    #[error("the store was migrated with another text of {0}: use the binary that made it")]
    Edited(String),
    /// A migration failed. Nothing of it has been applied.
    #[error("the migration failed")]
    Migration(#[source] BoxError),
    /// A setting gives up durability.
    #[error("durability is weakened: {0}; repair that, or say that it is meant")]
    Weakened(String),
    /// The pool of connections cannot be made.
    #[error("the pool of connections cannot be made")]
    Pool(#[from] deadpool_postgres::BuildError),
    /// What the log says about itself cannot be read.
    #[error(transparent)]
    Log(#[from] eventstore::ReadError),
}

impl Options {
    pub(crate) fn check(&self) -> Result<(), OpenError> {
        if self.schema_is_plain() { Ok(()) } else { Err(OpenError::SchemaName(self.schema.clone())) }
    }
}

/// Checks the server, its schema and its settings, and takes the role. Answers with what is weaker than promised.
pub(crate) async fn check(
    client: &Client,
    door: &mut Door,
    options: &Options,
) -> Result<Vec<String>, OpenError> {
    check_version(client).await?;
    if let Some(missing) = first_missing(client, options).await? {
        return Err(OpenError::NotMigrated(missing));
    }
    let mut weakened = weak_settings(client, options.durability).await?;
    let role = options.role();
    if client.batch_execute(&format!("SET ROLE {role}")).await.is_ok() {
        door.role = Some(role);
    } else {
        weakened.push(format!("the role {role} cannot be taken: only a trigger guards what is recorded"));
    }
    for weakness in &weakened {
        warn!(weakness, "the log is less safe than it should be");
    }
    Ok(weakened)
}

/// Which log this is.
pub(crate) async fn log_id(client: &Client) -> Result<LogId, OpenError> {
    Ok(LogId(client.query_one("SELECT log_id FROM log_meta", &[]).await?.try_get(0)?))
}

async fn check_version(client: &Client) -> Result<(), OpenError> {
    let row = client.query_one("SELECT current_setting('server_version_num')::int / 10000", &[]).await?;
    let major = row.try_get(0)?;
    if major < SERVER_MIN { Err(OpenError::TooOldServer(major)) } else { Ok(()) }
}

/// What the server's settings give up, in clear sentences.
async fn weak_settings(client: &Client, durability: Durability) -> Result<Vec<String>, OpenError> {
    let ask = "SELECT current_setting('fsync'), current_setting('full_page_writes'), \
        current_setting('synchronous_commit')";
    let row = client.query_one(ask, &[]).await?;
    let (fsync, pages, commit): (String, String, String) =
        (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
    let mut weak = Vec::new();
    if fsync != "on" {
        weak.push(format!("fsync = {fsync}: a crash of the machine can corrupt everything"));
    }
    if pages != "on" {
        weak.push(format!("full_page_writes = {pages}: a crash of the machine can tear a page"));
    }
    if commit != "on" && commit != "remote_apply" {
        weak.push(format!("synchronous_commit = {commit}: what was acknowledged can be lost"));
    }
    match durability {
        Durability::Required if !weak.is_empty() => Err(OpenError::Weakened(weak.join("; "))),
        Durability::Required | Durability::MayBeWeakened => Ok(weak),
    }
}

/// What the clock shows that will stamp the log: the tests', or the database's.
pub(crate) async fn time(client: &Client, clock: Option<&Clock>) -> Result<Timestamp, OpenError> {
    if let Some(clock) = clock {
        return Ok(clock.now());
    }
    let row = client.query_one("SELECT clock_timestamp()", &[]).await?;
    Ok(row.try_get::<_, Moment>(0)?.timestamp()?)
}

/// Connections for reading. `Fast` recycling asks only whether the connection is still there: a read is one statement
/// and leaves nothing behind, so there is nothing to clean.
pub(crate) fn pool(door: &Door, readers: usize) -> Result<Pool, OpenError> {
    let config = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    let manager = Manager::from_config(door.config().clone(), NoTls, config);
    let settings = Arc::new(door.read_settings());
    let enter = Hook::async_fn(move |client: &mut deadpool_postgres::ClientWrapper, _| {
        let settings = Arc::clone(&settings);
        Box::pin(async move { client.batch_execute(&settings).await.map_err(HookError::Backend) })
    });
    let patience = Some(POOL_PATIENCE);
    let timeouts = Timeouts { wait: patience, create: patience, recycle: patience };
    Ok(Pool::builder(manager)
        .max_size(readers)
        .runtime(Runtime::Tokio1)
        .timeouts(timeouts)
        .post_create(enter)
        .build()?)
}
