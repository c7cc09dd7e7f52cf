//! A database of its own for each test, on the server that `TEST_DATABASE_URL` names.

use tokio_postgres::{Client, NoTls};

/// A database that is there for one test.
pub(crate) struct Database {
    server: String,
    pub(crate) name: String,
    pub(crate) url: String,
}

impl Database {
    pub(crate) async fn new() -> Self {
        let server = std::env::var("TEST_DATABASE_URL")
            .expect("TEST_DATABASE_URL names a PostgreSQL server; `cargo xtask test` starts one and sets it");
        let client = connect(&server).await;
        let id: String =
            client.query_one("SELECT gen_random_uuid()::text", &[]).await.expect("the server answers").get(0);
        let name = format!("eventstore_{}", id.replace('-', ""));
        client.batch_execute(&format!("CREATE DATABASE {name}")).await.expect("a database is made");
        let (base, query) = server.split_once('?').unwrap_or((&server, ""));
        let url = format!("{}/{name}?{query}", base.rsplit_once('/').expect("the URL names a database").0);
        Self { server, name, url }
    }

    /// A connection as the owner.
    pub(crate) async fn owner(&self) -> Client {
        let client = connect(&self.url).await;
        client
            .batch_execute("SET search_path = user_service, user_service_vault")
            .await
            .expect("the path is set");
        client
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let (server, name) = (self.server.clone(), self.name.clone());
        let dropping = std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let client = connect(&server).await;
                client
                    .batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)"))
                    .await
                    .expect("the database goes");
                // Its roles belong to the server.
                let roles = "DO $$ DECLARE role text; BEGIN FOR role IN SELECT rolname FROM pg_roles WHERE rolname LIKE \
                    '%\\_' || left(encode(sha256('NAME'), 'hex'), 8) || '\\_app' \
                    LOOP EXECUTE 'DROP ROLE ' || role; END LOOP; END $$";
                client.batch_execute(&roles.replace("NAME", &name)).await.expect("its roles go");
            });
        });
        assert!(dropping.join().is_ok() || std::thread::panicking(), "the test's database was not dropped");
    }
}

async fn connect(url: &str) -> Client {
    let (client, connection) =
        tokio_postgres::connect(url, NoTls).await.expect("the server of TEST_DATABASE_URL answers");
    tokio::spawn(connection);
    client
}
