//! A database of its own for each test, on the server that `TEST_DATABASE_URL` names.

use tokio_postgres::{Client, NoTls};

/// A database that is there for one test.
pub(crate) struct Database {
    server: String,
    name: String,
    pub(crate) url: String,
}

impl Database {
    pub(crate) async fn new() -> Self {
        Self::made_from("template1").await
    }

    /// Another with the same content. Nobody may be connected to this one.
    pub(crate) async fn copy(&self) -> Self {
        Self::made_from(&self.name).await
    }

    /// Takes the content of another, whoever is connected.
    pub(crate) async fn become_like(&self, other: &Self) {
        let client = connect(&self.server).await;
        let Self { name, .. } = self;
        client.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).await.unwrap();
        client.batch_execute(&format!("CREATE DATABASE {name} TEMPLATE {}", other.name)).await.unwrap();
    }

    /// From now on it is reached by a login that owns our schemas and may make nothing beside them: no extension either.
    pub(crate) async fn give_to_a_tenant(&mut self) {
        let tenant = self.tenant();
        let make = format!(
            "CREATE ROLE {tenant} LOGIN; CREATE SCHEMA user_service AUTHORIZATION {tenant}; \
             CREATE SCHEMA user_service_vault AUTHORIZATION {tenant}"
        );
        connect(&self.url).await.batch_execute(&make).await.unwrap();
        let (scheme, rest) = self.url.split_once("://").expect("a URL has a scheme");
        let place = rest.split_once('@').map_or(rest, |(_, place)| place);
        self.url = format!("{scheme}://{tenant}@{place}");
    }

    fn tenant(&self) -> String {
        format!("tenant_of_{}", self.name)
    }

    async fn made_from(template: &str) -> Self {
        let server = std::env::var("TEST_DATABASE_URL")
            .expect("TEST_DATABASE_URL names a PostgreSQL server; `cargo xtask test` starts one and sets it");
        let client = connect(&server).await;
        let id: String = client.query_one("SELECT gen_random_uuid()::text", &[]).await.unwrap().get(0);
        let name = format!("user_service_{}", id.replace('-', ""));
        client.batch_execute(&format!("CREATE DATABASE {name} TEMPLATE {template}")).await.unwrap();
        let (base, query) = server.split_once('?').unwrap_or((&server, ""));
        let url = format!("{}/{name}?{query}", base.rsplit_once('/').expect("the URL names a database").0);
        Self { server, name, url }
    }

    /// A connection as the owner.
    pub(crate) async fn owner(&self) -> Client {
        let client = connect(&self.url).await;
        client.batch_execute("SET search_path = user_service, user_service_vault").await.unwrap();
        client
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let (server, name, tenant) = (self.server.clone(), self.name.clone(), self.tenant());
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let client = connect(&server).await;
                client.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).await.unwrap();
                client.batch_execute(&format!("DROP ROLE IF EXISTS {tenant}")).await.unwrap();
            });
        });
        assert!(dropping.join().is_ok() || std::thread::panicking(), "the test's database was not dropped");
    }
}

async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}
