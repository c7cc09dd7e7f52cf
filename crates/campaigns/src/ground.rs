//! Where a campaign takes place: a folder for SQLite or a database on PostgreSQL, fresh for each run and gone after it.

use std::fmt;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use tempfile::TempDir;
use tokio::time::sleep;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, NoTls};
use user_service::store::StoreOptions;

/// The name under which we are told where a server is.
const SERVER_VARIABLE: &str = "TEST_DATABASE_URL";

/// The embedded store, in its folder.
pub(crate) const FILE: &str = "store.db";

/// How long a connection that was cut off is there, at most.
const LEAVING_MAX: Duration = Duration::from_secs(10);

const PAUSE: Duration = Duration::from_millis(20);

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
        let folder = new_folder()?;
        Ok(match kind {
            Kind::Sqlite => {
                let url = format!("sqlite:{}", folder.path().join(FILE).display());
                Self { kind, url, folder, database: None }
            }
            Kind::Postgres => {
                let database = Database::new().await?;
                Self { kind, url: database.url.clone(), folder, database: Some(database) }
            }
        })
    }

    /// An embedded store in a folder that the campaign has seen to.
    pub(crate) fn in_folder(store: &Path) -> anyhow::Result<Self> {
        let url = format!("sqlite:{}", store.join(FILE).display());
        Ok(Self { kind: Kind::Sqlite, url, folder: new_folder()?, database: None })
    }

    /// A database of a server that is the campaign's own.
    pub(crate) async fn on_server(url: &str) -> anyhow::Result<Self> {
        let mut database = Database::on(url.to_owned(), "template1").await?;
        database.goes_with_its_server = true;
        let url = database.url.clone();
        Ok(Self { kind: Kind::Postgres, url, folder: new_folder()?, database: Some(database) })
    }

    /// A database that is there already, of a server that is the campaign's own.
    pub(crate) fn found(url: String) -> anyhow::Result<Self> {
        let name = url.rsplit('/').next().unwrap_or_default().to_owned();
        let database = Database { server: url.clone(), name, url: url.clone(), goes_with_its_server: true };
        Ok(Self { kind: Kind::Postgres, url, folder: new_folder()?, database: Some(database) })
    }

    /// A copy of everything, as a backup has it. Nobody serves the store meanwhile.
    pub(crate) async fn backup(&self) -> anyhow::Result<Self> {
        let folder = new_folder()?;
        if let Some(database) = &self.database {
            let database = Database::like(&database.name).await?;
            return Ok(Self { url: database.url.clone(), folder, database: Some(database), ..*self });
        }
        let file = folder.path().join(FILE);
        std::fs::copy(self.folder().join(FILE), &file).context("the store was closed in order")?;
        Ok(Self { url: format!("sqlite:{}", file.display()), folder, database: None, ..*self })
    }

    /// Puts a backup in the place of everything. Whoever serves a database is cut off; nobody serves a file.
    pub(crate) async fn restore(&self, backup: &Self) -> anyhow::Result<()> {
        if let (Some(database), Some(backup)) = (&self.database, &backup.database) {
            return database.become_like(&backup.name).await;
        }
        for beside in ["store.db-wal", "store.db-shm"] {
            let path = self.folder().join(beside);
            if path.exists() {
                std::fs::remove_file(path)?;
            }
        }
        std::fs::copy(backup.folder().join(FILE), self.folder().join(FILE))?;
        Ok(())
    }

    /// For whatever the campaign keeps beside the store.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What the product opens the store with.
    pub(crate) fn options(&self) -> anyhow::Result<StoreOptions> {
        Ok(StoreOptions::at(self.url.parse()?))
    }

    /// Where the database's server listens.
    pub(crate) fn server(&self) -> anyhow::Result<String> {
        let (before, after) = self.url.split_once("://").context("SQLite has no server")?;
        let authority = after.split(['/', '?']).next().unwrap_or(after);
        let host = authority.rsplit('@').next().unwrap_or(authority);
        anyhow::ensure!(
            host.contains(':'),
            "{before} is not reached over TCP: {SERVER_VARIABLE} must say HOST:PORT"
        );
        Ok(host.to_owned())
    }

    /// The same store, through somebody who stands before its server.
    pub(crate) fn behind(&self, address: SocketAddr) -> anyhow::Result<StoreOptions> {
        Ok(StoreOptions::at(self.url_behind(address)?.parse()?))
    }

    /// As `user-service --store` takes it.
    pub(crate) fn url_behind(&self, address: SocketAddr) -> anyhow::Result<String> {
        Ok(self.url.replacen(&self.server()?, &address.to_string(), 1))
    }

    /// A connection as the database's owner.
    pub(crate) async fn owner(&self) -> anyhow::Result<Client> {
        let database = self.database.as_ref().context("SQLite has no owner")?;
        connect(&database.url).await
    }
}

fn new_folder() -> anyhow::Result<TempDir> {
    tempfile::Builder::new().prefix("campaign-").tempdir().context("no room for a folder")
}

/// A database that is dropped with the value.
#[derive(Debug)]
struct Database {
    server: String,
    name: String,
    url: String,
    /// Nobody has to drop it.
    goes_with_its_server: bool,
}

impl Database {
    async fn new() -> anyhow::Result<Self> {
        Self::like("template1").await
    }

    /// One with the same content.
    async fn like(template: &str) -> anyhow::Result<Self> {
        let server = std::env::var(SERVER_VARIABLE).with_context(|| {
            format!("{SERVER_VARIABLE} names no server; `cargo xtask campaign` starts one and sets it")
        })?;
        Self::on(server, template).await
    }

    async fn on(server: String, template: &str) -> anyhow::Result<Self> {
        let client = connect(&server).await?;
        let id: String = client.query_one("SELECT gen_random_uuid()::text", &[]).await?.try_get(0)?;
        let name = format!("campaign_{}", id.replace('-', ""));
        create(&client, &name, template).await?;
        let (base, query) = server.split_once('?').unwrap_or((&server, ""));
        let (base, _) = base.rsplit_once('/').context("the server's URL names no database")?;
        let url = if query.is_empty() { format!("{base}/{name}") } else { format!("{base}/{name}?{query}") };
        Ok(Self { server, name, url, goes_with_its_server: false })
    }

    /// Takes the content of another, whoever is connected.
    async fn become_like(&self, other: &str) -> anyhow::Result<()> {
        let client = connect(&self.server).await?;
        client.batch_execute(&format!("DROP DATABASE {} WITH (FORCE)", self.name)).await?;
        create(&client, &self.name, other).await
    }
}

/// Whoever was cut off from the template may take a moment to be gone.
async fn create(client: &Client, name: &str, template: &str) -> anyhow::Result<()> {
    let create = format!("CREATE DATABASE {name} TEMPLATE {template}");
    let mut left = LEAVING_MAX;
    while let Err(error) = client.batch_execute(&create).await {
        let in_use = error.code() == Some(&SqlState::OBJECT_IN_USE);
        if !in_use || left.is_zero() {
            return Err(error).context("no copy can be made");
        }
        sleep(PAUSE).await;
        left = left.saturating_sub(PAUSE);
    }
    Ok(())
}

impl Drop for Database {
    /// On a thread of its own: the runtime that drops this may be ending.
    fn drop(&mut self) {
        if self.goes_with_its_server {
            return;
        }
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
