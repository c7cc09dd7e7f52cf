//! Who may do what: the owner, the service's login, its role, and everybody else.

use crate::appends::{created, options};
use crate::database::Database;
use crate::login::Login;
use crate::soon;
use eventstore::{AppendError, EventStore, Position, ReadError, Warning};
use eventstore_postgres::{Access, OpenError, Options, Store, migrate};
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

async fn open(options: &Options) -> Store {
    migrate(options).await.expect("it is migrated");
    Store::open(options.clone()).await.expect("it opens")
}

/// The role that a service takes in a database.
async fn role(database: &Database) -> String {
    let ask = "SELECT grantee::text FROM information_schema.role_table_grants WHERE table_name = 'events' \
        AND privilege_type = 'INSERT' AND grantee <> current_user";
    database.owner().await.query_one(ask, &[]).await.expect("there is one").get(0)
}

async fn refused(client: &Client, statement: &str) {
    let error = client.batch_execute(statement).await.expect_err(statement);
    assert_eq!(error.code(), Some(&SqlState::INSUFFICIENT_PRIVILEGE), "{statement}");
}

#[tokio::test]
async fn the_role_of_the_service_cannot_rewrite_what_is_recorded() {
    let database = Database::new().await;
    let store = open(&options(&database.url)).await;
    store.append(created(1), soon()).await.unwrap();
    let client = database.owner().await;
    client.batch_execute(&format!("SET ROLE {}", role(&database).await)).await.unwrap();
    for statement in [
        "UPDATE events SET data = 'lies'",
        "DELETE FROM events",
        "TRUNCATE events",
        "ALTER TABLE events DISABLE TRIGGER ALL",
        "DROP TABLE events",
        "UPDATE requests SET position = 1",
        "TRUNCATE requests",
        "UPDATE log_meta SET writer_floor = 0",
        "DELETE FROM product_schema_history",
    ] {
        refused(&client, statement).await;
    }
}

#[tokio::test]
async fn what_the_role_may_do_to_projections_it_may_do_to_nothing_else() {
    let database = Database::new().await;
    open(&options(&database.url)).await;
    let client = database.owner().await;
    client.batch_execute(&format!("SET ROLE {}", role(&database).await)).await.unwrap();
    let list = "INSERT INTO derived_tables (table_name, base_name, projection, number) \
        SELECT t, t, 'hostile', 1 FROM unnest(ARRAY['events', 'requests', 'log_meta', 'derived_tables']) t";
    client.batch_execute(list).await.unwrap();
    for statement in [
        "SELECT swap_generation(ARRAY['events'], 1, 2, NULL)",
        "SELECT swap_generation(ARRAY['log_meta'], 1, 2, NULL)",
        "SELECT drop_generation('requests', 1)",
        "SELECT make_generation('events', 2)",
        "SELECT make_generation('person', 2)",
        "SELECT index_generation('derived_tables', 2)",
        "SELECT swap_generation(ARRAY[]::text[], 1, 2, 'mine=1')",
        "SELECT copy_indexes('person', 2, true)",
        "CREATE TABLE mine (id uuid)",
    ] {
        refused(&client, statement).await;
    }
    let open =
        "SELECT proname::text FROM pg_proc WHERE prosecdef AND NOT proconfig::text LIKE '%, pg_temp\"}'";
    let found = client.query(open, &[]).await.unwrap();
    assert!(found.is_empty(), "nobody puts a temporary table in the place of ours: {found:?}");
    for table in ["secret", "nothing"] {
        let list = format!("INSERT INTO derived_tables VALUES ('{table}', '{table}', 'hostile', 1)");
        client.batch_execute(&list).await.unwrap();
        let error = client.batch_execute(&format!("SELECT make_generation('{table}', 2)")).await;
        assert!(error.is_err(), "{table} is not in the schema of the log");
    }
}

/// What the migration after the first release made.
const SINCE_V1: &str = "DROP TABLE projections, projection_leases, projection_wishes, parked_events, derived_tables; \
    DROP FUNCTION erase_derived, generation_name, projected_table, copy_indexes, make_generation, index_generation, \
        swap_generation, drop_generation; \
    DELETE FROM log_schema_history WHERE version > 1";

#[tokio::test]
async fn a_log_of_the_first_release_is_brought_up_to_date_while_it_is_written() {
    let database = Database::new().await;
    let login = Login::new(&database, "service", "").await;
    let options = Options { migration_url: Some(database.url.clone()), ..options(&login.url) };
    let running = open(&options).await;
    running.append(created(1), soon()).await.unwrap();
    database.owner().await.batch_execute(SINCE_V1).await.unwrap();
    let error = Store::open(options.clone()).await.unwrap_err();
    assert!(matches!(error, OpenError::NotMigrated(_)), "{error}");
    let updated = open(&options).await;
    for (n, store) in (2..).zip([&running, &updated]) {
        store.append(created(n), soon()).await.unwrap();
    }
    assert_eq!(updated.projections().wish("anything", "something").await.unwrap(), 1);
    running.close().await;
    updated.close().await;
    login.forget(&database).await;
}

#[tokio::test]
async fn not_even_the_owner_truncates_the_log() {
    let database = Database::new().await;
    let store = open(&options(&database.url)).await;
    store.append(created(1), soon()).await.unwrap();
    assert!(database.owner().await.batch_execute("TRUNCATE events CASCADE").await.is_err());
    assert_eq!(store.head().await.unwrap().position, Position(1));
}

#[tokio::test]
async fn a_login_of_its_own_serves_what_the_owner_has_migrated() {
    let database = Database::new().await;
    let login = Login::new(&database, "service", "").await;
    let options = Options { migration_url: Some(database.url.clone()), ..options(&login.url) };
    let store = open(&options).await;
    store.append(created(1), soon()).await.unwrap();
    migrate(&Options { migration_url: None, ..options }).await.expect("there is nothing to do");
    assert_eq!(store.warnings().await, []);
    store.close().await;
    login.forget(&database).await;
}

#[tokio::test]
async fn a_login_that_the_owner_forgot_is_told_so_and_let_in_afterwards() {
    let database = Database::new().await;
    let owner = Login::that_migrates(&database, "CREATEROLE").await;
    let service = Login::new(&database, "service", "NOINHERIT").await;
    let alone = options(&service.url);
    migrate(&options(&owner.url)).await.unwrap();
    for refused in [migrate(&alone).await, Store::open(alone.clone()).await.map(|_| ())] {
        let error = refused.unwrap_err();
        assert!(matches!(&error, OpenError::NotPermitted { login, .. } if *login == service.name), "{error}");
        assert!(error.to_string().contains("migrate with both URLs"), "{error}");
    }

    migrate(&Options { migration_url: Some(owner.url.clone()), ..alone.clone() }).await.unwrap();
    let store = open(&alone).await;
    store.append(created(1), soon()).await.unwrap();
    assert_eq!(store.warnings().await, []);
    store.close().await;
    service.forget(&database).await;
    owner.forget(&database).await;
}

#[tokio::test]
async fn an_owner_who_may_not_make_roles_is_warned() {
    let database = Database::new().await;
    let login = Login::that_migrates(&database, "").await;
    let options = Options { schema: "without_a_role".to_owned(), ..options(&login.url) };
    let store = open(&options).await;
    store.append(created(1), soon()).await.unwrap();
    let warnings = store.warnings().await;
    assert!(matches!(&warnings[..], [Warning::Weakened(what)] if what.contains("without_a_role_")));
    store.close().await;
    login.forget(&database).await;
}

#[tokio::test]
async fn who_serves_one_database_is_not_let_into_another() {
    let (database, other) = (Database::new().await, Database::new().await);
    let login = Login::new(&database, "service", "").await;
    let options_of =
        |database: &Database| Options { migration_url: Some(database.url.clone()), ..options(&login.url) };
    migrate(&options_of(&database)).await.unwrap();
    migrate(&options(&other.url)).await.unwrap();
    let visitor = login.connect(&other).await;
    refused(&visitor, &format!("SET ROLE {}", role(&other).await)).await;
    for table in ["user_service.events", "user_service_vault.secret"] {
        refused(&visitor, &format!("SELECT FROM {table}")).await;
    }
    drop(visitor);
    login.forget(&database).await;
}

#[tokio::test]
async fn a_reader_changes_nothing() {
    let database = Database::new().await;
    let owner = open(&options(&database.url)).await;
    owner.append(created(1), soon()).await.unwrap();
    let reader =
        Store::open(Options { access: Access::Reader, ..options(&database.url) }).await.expect("it opens");
    assert_eq!(reader.head().await.unwrap(), owner.head().await.unwrap());
    assert!(matches!(reader.append(created(2), soon()).await, Err(AppendError::StoreDown)));
    assert!(matches!(reader.execute("DELETE FROM person", &[]).await, Err(ReadError::StoreDown(_))));
    reader.close().await;
}
