//! Connections that do not come about, promise too little, or fail: and what is said about it.

use std::error::Error;
use std::net::TcpListener;

use crate::appends::{created, options};
use crate::database::Database;
use crate::soon;
use eventstore::{AppendError, Durability, EventStore, Migration, Warning};
use eventstore_postgres::{OpenError, Options, Store, migrate};

/// A row of the product's own table.
const INSERT: &str = "INSERT INTO person VALUES (gen_random_uuid(), 'canary', now(), now(), 1, 1)";

/// Everything that can be printed of an error.
fn printed(error: &dyn Error) -> String {
    let cause = error.source().map(printed).unwrap_or_default();
    format!("{error}\n{error:?}\n{cause}")
}

#[tokio::test]
async fn a_server_that_says_nothing_is_not_waited_for() {
    let mute = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let port = mute.local_addr().expect("it is bound").port();
    let options = options(&format!("postgres://u@127.0.0.1:{port}/d?connect_timeout=1"));
    for error in [migrate(&options).await.unwrap_err(), Store::open(options).await.unwrap_err()] {
        assert!(matches!(error, OpenError::Database(_)), "{error}");
        assert!(printed(&error).contains("the server said nothing"), "{error:?}");
    }
}

#[tokio::test]
async fn a_password_with_strange_signs_is_not_repeated() {
    let error = Store::open(options("postgres://u:a@b?canary=c@h/d")).await.unwrap_err();
    assert!(matches!(error, OpenError::Url), "{error}");
    assert!(!printed(&error).contains("canary"));
}

/// A database that writes down how each insert into a table is going to be committed.
async fn noting(table: &str) -> Database {
    let database = Database::new().await;
    migrate(&options(&database.url)).await.expect("it is migrated");
    let note = format!(
        "CREATE TABLE noted (setting text); GRANT ALL ON noted TO public; \
        CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS \
            $$ BEGIN INSERT INTO noted VALUES (current_setting('synchronous_commit')); RETURN NULL; END $$; \
        CREATE TRIGGER notes AFTER INSERT ON {table} EXECUTE FUNCTION note();"
    );
    database.owner().await.batch_execute(&note).await.expect("a trigger is made");
    database
}

/// How a batch is committed where the database sets something for every connection.
async fn committed(set: &str, durability: Durability) -> (String, Vec<Warning>) {
    let database = noting("events").await;
    let owner = database.owner().await;
    let set = format!("ALTER DATABASE {} SET synchronous_commit = {set}", database.name);
    owner.batch_execute(&set).await.expect("it is set");
    let store = Store::open(Options { durability, ..options(&database.url) }).await.expect("it opens");
    store.append(created(1), soon()).await.expect("it is appended");
    let noted = owner.query_one("SELECT setting FROM noted", &[]).await.expect("it was noted").get(0);
    (noted, store.warnings().await)
}

#[tokio::test]
async fn no_setting_of_the_database_makes_it_acknowledge_too_early() {
    for (set, used) in [("off", "on"), ("local", "on"), ("remote_apply", "remote_apply")] {
        assert_eq!(committed(set, Durability::Required).await, (used.to_owned(), vec![]), "{set}");
    }
}

#[tokio::test]
async fn what_is_only_noted_waits_for_no_standby_and_everything_else_does() {
    let database = noting("person").await;
    let store = Store::open(options(&database.url)).await.expect("it opens");
    store.note(INSERT, &[]).await.expect("it is noted");
    store.execute(INSERT, &[]).await.expect("it is executed");
    let noted =
        database.owner().await.query("SELECT setting FROM noted", &[]).await.expect("both were noted");
    assert_eq!(noted.iter().map(|row| row.get(0)).collect::<Vec<String>>(), ["local", "on"]);
}

#[tokio::test]
async fn weak_durability_that_is_meant_is_left_alone() {
    let (used, warnings) = committed("off", Durability::MayBeWeakened).await;
    assert_eq!(used, "off");
    assert!(
        matches!(&warnings[..], [Warning::Weakened(what)] if what.contains("synchronous_commit = off")),
        "{warnings:?}"
    );
}

#[tokio::test]
async fn what_the_server_says_about_rows_is_not_repeated() {
    static FAILS: &[Migration] = &[Migration {
        number: 1,
        name: "fails",
        sql: "CREATE TABLE t (a text CHECK (a = 'x')); INSERT INTO t VALUES ('canary');",
    }];
    let database = Database::new().await;
    let failed = migrate(&Options { migrations: FAILS, ..options(&database.url) }).await.unwrap_err();
    migrate(&options(&database.url)).await.unwrap();
    let store = Store::open(options(&database.url)).await.unwrap();
    database.owner().await.batch_execute("ALTER TABLE person ADD CHECK (name = 'x')").await.unwrap();
    let malformed = store.execute(INSERT, &[]).await.unwrap_err();
    for error in [printed(&failed), printed(&malformed)] {
        assert!(error.contains("violates check constraint") && error.contains("(23514)"), "{error}");
        assert!(!error.contains("canary") && !error.contains("Failing row"), "{error}");
    }
    assert!(matches!(store.append(created(1), soon()).await, Err(AppendError::StoreDown)));
}
