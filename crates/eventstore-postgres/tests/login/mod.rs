//! Users of the server, beside the one that the tests are.

use tokio_postgres::{Client, NoTls};

use crate::database::Database;

/// A user of the server for one test.
pub(crate) struct Login {
    pub(crate) name: String,
    pub(crate) url: String,
}

impl Login {
    /// A login that may do nothing but connect, or what its attributes say.
    pub(crate) async fn new(database: &Database, what: &str, attributes: &str) -> Self {
        let name = format!("{what}_of_{}", database.name);
        let make = format!("CREATE ROLE {name} LOGIN {attributes}");
        database.owner().await.batch_execute(&make).await.expect("a role is made");
        Self { url: Self::url(&name, database), name }
    }

    /// A login that may make schemas in the test's database.
    pub(crate) async fn that_migrates(database: &Database, attributes: &str) -> Self {
        let login = Self::new(database, "owner", attributes).await;
        let grant = format!("GRANT CREATE ON DATABASE {} TO {}", database.name, login.name);
        database.owner().await.batch_execute(&grant).await.expect("it is granted");
        login
    }

    /// A connection to a database.
    pub(crate) async fn connect(&self, database: &Database) -> Client {
        let url = Self::url(&self.name, database);
        let (client, connection) = tokio_postgres::connect(&url, NoTls).await.expect("the login may connect");
        tokio::spawn(connection);
        client
    }

    fn url(name: &str, database: &Database) -> String {
        let (scheme, rest) = database.url.split_once("://").expect("a URL has a scheme");
        let place = rest.split_once('@').map_or(rest, |(_, place)| place);
        format!("{scheme}://{name}@{place}")
    }

    pub(crate) async fn forget(self, database: &Database) {
        let forget = format!("DROP OWNED BY {0} CASCADE; DROP ROLE {0}", self.name);
        database.owner().await.batch_execute(&forget).await.expect("the role goes");
    }
}
