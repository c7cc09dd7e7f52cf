//! Where a campaign takes place: a folder for SQLite or a database on PostgreSQL, fresh for each run and gone after it.

use std::fmt;
use std::path::Path;

use anyhow::Context;
use tempfile::TempDir;
use tokio_postgres::{Client, NoTls};
use user_service::store::StoreOptions;

/// The name under which we are told where a server is.
const SERVER_VARIABLE: &str = "TEST_DATABASE_URL";

/// Which store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Sqlite,
    Postgres,
}

impl Kind {
    pub(crate) const BOTH: [Self; 2] = [Self::Sqlite, Self::Postgres];
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        })
    }
}

/// A place for one store, and a folder besides.
#[derive(Debug)]
pub(crate) struct Ground {
    pub(crate) kind: Kind,
    /// As `user-service --store` takes it.
    pub(crate) url: String,
    folder: TempDir,
    database: Option<Database>,
}

impl Ground {
    pub(crate) async fn new(kind: Kind) -> anyhow::Result<Self> {
        let folder =
            tempfile::Builder::new().prefix("campaign-").tempdir().context("no room for a folder")?;
        Ok(match kind {
            Kind::Sqlite => {
                let url = format!("sqlite:{}", folder.path().join("store.db").display());
                Self { kind, url, folder, database: None }
            }
            Kind::Postgres => {
                let database = Database::new().await?;
                Self { kind, url: database.url.clone(), folder, database: Some(database) }
            }
        })
    }

    /// For whatever the campaign keeps beside the store.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What the product opens the store with.
    pub(crate) fn options(&self) -> anyhow::Result<StoreOptions> {
        Ok(StoreOptions::at(self.url.parse()?))
    }

    /// A connection as the database's owner.
    pub(crate) async fn owner(&self) -> anyhow::Result<Client> {
        let database = self.database.as_ref().context("SQLite has no owner")?;
        connect(&database.url).await
    }
}

/// A database that is dropped with the value.
#[derive(Debug)]
struct Database {
    server: String,
    name: String,
    url: String,
}

impl Database {
    async fn new() -> anyhow::Result<Self> {
        let server = std::env::var(SERVER_VARIABLE).with_context(|| {
            format!("{SERVER_VARIABLE} names no server; `cargo xtask campaign` starts one and sets it")
        })?;
        let client = connect(&server).await?;
        let id: String = client.query_one("SELECT gen_random_uuid()::text", &[]).await?.try_get(0)?;
        let name = format!("campaign_{}", id.replace('-', ""));
        client.batch_execute(&format!("CREATE DATABASE {name}")).await?;
        let (base, query) = server.split_once('?').unwrap_or((&server, ""));
        let (base, _) = base.rsplit_once('/').context("the server's URL names no database")?;
        let url = if query.is_empty() { format!("{base}/{name}") } else { format!("{base}/{name}?{query}") };
        Ok(Self { server, name, url })
    }
}

impl Drop for Database {
    /// On a thread of its own: the runtime that drops this may be ending.
    fn drop(&mut self) {
        let (server, name) = (self.server.clone(), self.name.clone());
        let dropping = std::thread::spawn(move || -> anyhow::Result<()> {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let client = connect(&server).await?;
                Ok(client.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).await?)
            })
        });
        if !matches!(dropping.join(), Ok(Ok(()))) {
            eprintln!("the database {} is left behind", self.name);
        }
    }
}

async fn connect(url: &str) -> anyhow::Result<Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.context("no connection")?;
    tokio::spawn(connection);
    Ok(client)
}
