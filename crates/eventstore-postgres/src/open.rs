//! Whether the database is what we think it is, and what it says when it is not.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{Hook, HookError, Manager, ManagerConfig, Pool, RecyclingMethod, Runtime, Timeouts};
use eventstore::{Clock, LogId};
use jiff::Timestamp;
use thiserror::Error;
use tokio::time::timeout;
use tokio_postgres::Client;
use tracing::warn;

use crate::Options;
use crate::connection::{Door, Session};
use crate::migrate::first_missing;
use crate::row::Moment;
use crate::said::Said;
use crate::tls::is_untrusted;

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
    /// The URL is none.
    #[error(
        "the URL is no postgres://USER:PASSWORD@HOST:PORT/DATABASE: write signs other than letters and digits as %XX"
    )]
    Url,
    /// The URL asks for a kind of encryption that there is not.
    #[error("sslmode is disable, require, verify-ca or verify-full: nothing that gives way without a word")]
    SslMode,
    /// The URL wants the server's certificate verified, and does not say by whose.
    #[error(
        "sslmode=verify-ca and verify-full need sslrootcert=FILE: the certificates of who signs for the server"
    )]
    NoRoot,
    /// The URL names a certificate of ours without its key, or the other way round.
    #[error("sslcert and sslkey go together")]
    HalfAPair,
    /// A file that the URL names is not what it should be.
    #[error("{} cannot be used for TLS: {why}", path.display())]
    TlsFile {
        /// Where it is.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The server is another one than the URL names, or has not proven that it is not.
    #[error(
        "the server has not proven that it is the one that the URL names: compare sslrootcert and the host with its \
         certificate"
    )]
    Untrusted(#[source] Said),
    /// The database cannot be reached, or does not allow what is needed.
    #[error("the database cannot be opened: see whether it runs, and what it allows this user")]
    Database(#[from] Said),
    /// The login is not the owner's, and has not been let in by it.
    #[error(
        "the login {login} has too few rights in the schema {schema}: migrate with both URLs, the service's \
         and the owner's (--migration-url)"
    )]
    NotPermitted {
        /// Who connected.
        login: String,
        /// Where the log is.
        schema: String,
    },
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
    Migration(#[source] Said),
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

impl From<tokio_postgres::Error> for OpenError {
    fn from(error: tokio_postgres::Error) -> Self {
        let untrusted = is_untrusted(&error);
        let said = Said::from(error);
        if untrusted { Self::Untrusted(said) } else { Self::Database(said) }
    }
}

/// Checks the server, its schema and its settings, and takes the role. Answers with what is weaker than promised.
pub(crate) async fn check(
    session: &Session,
    door: &mut Door,
    options: &Options,
) -> Result<Vec<String>, OpenError> {
    let client = &session.client;
    check_version(client).await?;
    // First: a login that inherits nothing sees nothing of the schema without it.
    let role = take_role(session).await.then(|| session.role.clone());
    check_rights(client, &options.schema, "USAGE").await?;
    if let Some(missing) = first_missing(client, options).await? {
        return Err(OpenError::NotMigrated(missing));
    }
    client.batch_execute(door.durable()).await?;
    let mut weakened = door.weaknesses(client).await?;
    if role.is_none() {
        let role = &session.role;
        weakened.push(format!("the role {role} cannot be taken: only a trigger guards what is recorded"));
    }
    weakened.extend(door.exposure().map(str::to_owned));
    for weakness in &weakened {
        warn!(weakness, "the log is less safe than it should be");
    }
    door.role = role;
    Ok(weakened)
}

/// Whether this login may take the service's role, and has taken it.
pub(crate) async fn take_role(session: &Session) -> bool {
    session.client.batch_execute(&format!("SET ROLE {}", session.role)).await.is_ok()
}

/// Whether a right in the schema is there, or no schema.
pub(crate) async fn check_rights(client: &Client, schema: &str, right: &str) -> Result<(), OpenError> {
    let ask = "SELECT has_schema_privilege(to_regnamespace($1)::oid, $2) IS NOT FALSE, session_user::text";
    let row = client.query_one(ask, &[&schema, &right]).await?;
    if row.try_get(0)? {
        return Ok(());
    }
    Err(OpenError::NotPermitted { login: row.try_get(1)?, schema: schema.to_owned() })
}

/// Which log this is.
pub(crate) async fn log_id(client: &Client) -> Result<LogId, OpenError> {
    Ok(LogId(client.query_one("SELECT log_id FROM log_meta", &[]).await?.try_get(0)?))
}

/// What the log takes rows of.
pub(crate) async fn layout(client: &Client) -> Result<String, OpenError> {
    Ok(client.query_one("SELECT layout FROM log_meta", &[]).await?.try_get(0)?)
}

async fn check_version(client: &Client) -> Result<(), OpenError> {
    let row = client.query_one("SELECT current_setting('server_version_num')::int / 10000", &[]).await?;
    let major = row.try_get(0)?;
    if major < SERVER_MIN { Err(OpenError::TooOldServer(major)) } else { Ok(()) }
}

/// What the clock shows that will stamp the log: the tests', or the database's.
pub(crate) async fn time(client: &Client, clock: Option<&Clock>) -> Result<Timestamp, OpenError> {
    if let Some(clock) = clock {
        return Ok(clock.now());
    }
    let row = client.query_one("SELECT clock_timestamp()", &[]).await?;
    Ok(row.try_get::<_, Moment>(0)?.timestamp()?)
}

/// Connections that are told the same before their first use. `Fast` recycling asks only whether the connection is still
/// there: a read is one statement, a step one transaction that is rolled back when it is dropped, so there is nothing to
/// clean.
pub(crate) fn pool(door: &Door, settings: String, connections: usize) -> Result<Pool, OpenError> {
    let config = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    let manager = Manager::from_config(door.config().clone(), door.connector(), config);
    let (settings, patience) = (Arc::new(settings), door.patience());
    let enter = Hook::async_fn(move |client: &mut deadpool_postgres::ClientWrapper, _| {
        let settings = Arc::clone(&settings);
        Box::pin(async move {
            // The pool's own timeouts do not include this.
            match timeout(patience, client.batch_execute(&settings)).await {
                Ok(entered) => entered.map_err(HookError::Backend),
                Err(_) => Err(HookError::message(Said::nothing(patience).to_string())),
            }
        })
    });
    let timeouts =
        Timeouts { wait: Some(POOL_PATIENCE), create: Some(patience), recycle: Some(POOL_PATIENCE) };
    Ok(Pool::builder(manager)
        .max_size(connections)
        .runtime(Runtime::Tokio1)
        .timeouts(timeouts)
        .post_create(enter)
        .build()?)
}
