//! Encrypted connections: who is believed to be the server that a URL names, and what is said about who is not.

mod front;
mod server;

use std::error::Error;
use std::time::{Duration, Instant};

use eventstore::{Deadline, EventStore, Position, Warning};
use eventstore_postgres::{OpenError, Store, migrate};
use front::Front;
use server::Server;
use tokio::task::yield_now;

use crate::appends::{created, options};
use crate::authority::{Authority, Pair};
use crate::database::Database;
use crate::{insist, soon};

/// Reads, steps of projections, the listener and the append connection, each at least once, besides migrations.
const CONNECTIONS_MIN: u32 = 4;

/// Opens a store by a front that shows a certificate. `parameters` follow the name of the root's file.
async fn opened(
    shown: &Pair,
    trusted: &Authority,
    host: &str,
    parameters: &str,
) -> Result<Vec<Warning>, OpenError> {
    let database = Database::new().await;
    let front = Front::with(shown, None).await;
    let parameters = format!("sslrootcert={}&{parameters}", trusted.root().display());
    let options = options(&front.url(&database, host, &parameters));
    migrate(&options).await?;
    let store = Store::open(options).await?;
    store.append(created(1), soon()).await.expect("it is appended");
    let warnings = store.warnings().await;
    store.close().await;
    Ok(warnings)
}

/// Why it was not believed, as whoever starts the service reads it.
fn untrusted(opened: Result<Vec<Warning>, OpenError>) -> String {
    let error = opened.expect_err("it is not believed");
    assert!(matches!(error, OpenError::Untrusted(_)), "{error:?}");
    assert!(error.to_string().starts_with("the server has not proven that it is the one that the URL names"));
    error.source().expect("there is a reason").to_string()
}

#[tokio::test]
async fn every_connection_to_a_server_that_is_the_right_one_is_encrypted() {
    let (database, authority) = (Database::new().await, Authority::new());
    let front = Front::with(&authority.issue(&["localhost"]), None).await;
    let parameters = format!("sslmode=verify-full&sslrootcert={}", authority.root().display());
    let options = options(&front.url(&database, "localhost", &parameters));
    migrate(&options).await.expect("it is migrated");
    let store = Store::open(options).await.expect("it opens");
    store.append(created(1), soon()).await.expect("it is appended");
    store.beyond(Position::START).await;
    assert_eq!(store.head().await.expect("it is read").position, Position(1));
    assert_eq!(store.warnings().await, []);
    // Whoever had come without TLS would not have got anywhere.
    assert!(front.encrypted() >= CONNECTIONS_MIN, "{}", front.encrypted());
    store.close().await;
}

/// Appends once more, and again as long as nobody answers.
async fn comes_back(store: &Store, server: &Server, n: u64) {
    insist(store, created(n)).await;
    store.beyond(Position::START).await;
    while server.connections("query LIKE 'LISTEN %'").await == 0 {
        yield_now().await;
    }
}

#[tokio::test]
async fn a_server_that_wants_tls_and_a_password_has_both_from_every_connection() {
    let (authority, another) = (Authority::new(), Authority::new());
    let Some(server) = Server::showing(&authority.issue(&["localhost"])).await else { return };
    let parameters = format!("sslmode=verify-full&sslrootcert={}", authority.root().display());
    // The password is bound to this connection: whoever had come in between could not pass it on.
    let options = options(&server.url("localhost", &format!("{parameters}&channel_binding=require")));
    migrate(&options).await.expect("it is migrated");
    let store = Store::open(options).await.expect("it opens");
    assert_eq!(store.warnings().await, []);
    comes_back(&store, &server, 1).await;
    assert_eq!(store.head().await.expect("it is read").position, Position(1));
    assert!(server.connections("ssl").await >= 3, "one appends, one reads, one listens");
    assert_eq!(server.connections("NOT ssl").await, 0);
    // Another takes its place: nobody talks to it, neither whoever appends nor who reads nor who listens.
    server.show(&another.issue(&["localhost"])).await;
    assert!(store.append(created(2), Deadline(Instant::now() + Duration::from_secs(2))).await.is_err());
    assert!(store.head().await.is_err());
    assert_eq!(server.connections("true").await, 0);
    server.show(&authority.issue(&["localhost"])).await;
    comes_back(&store, &server, 3).await;
    assert_eq!(server.connections("NOT ssl").await, 0);
    store.close().await;
}

#[tokio::test]
async fn a_server_that_wants_tls_is_not_reached_in_any_other_way() {
    let (authority, another) = (Authority::new(), Authority::new());
    let Some(server) = Server::showing(&authority.issue(&["localhost"])).await else { return };
    let why = async |host: &str, parameters: &str| {
        let error = migrate(&options(&server.url(host, parameters))).await.expect_err("it does not get in");
        (matches!(error, OpenError::Untrusted(_)), error.source().expect("there is a reason").to_string())
    };
    let (own, others) = (authority.root().display().to_string(), another.root().display().to_string());
    let full = "sslmode=verify-full&sslrootcert=";
    for (host, parameters, untrusted, says) in [
        ("localhost", format!("{full}{others}"), true, "UnknownIssuer"),
        ("127.0.0.1", format!("{full}{own}"), true, "not valid for name \"127.0.0.1\""),
        ("localhost", "sslmode=disable".to_owned(), false, "no encryption (28000)"),
        ("localhost", String::new(), false, "no encryption (28000)"),
    ] {
        let (is_untrusted, why) = why(host, &parameters).await;
        assert!(is_untrusted == untrusted && why.contains(says), "{parameters}: {why}");
    }
    let wrong = server.url("localhost", &format!("{full}{own}")).replace("of-the-service", "guessed");
    let error = migrate(&options(&wrong)).await.expect_err("that is not the password");
    assert!(
        error.source().expect("there is a reason").to_string().contains("password authentication failed")
    );
}

#[tokio::test]
async fn another_name_is_another_server_only_for_who_asks_for_the_name() {
    let authority = Authority::new();
    let shown = authority.issue(&["db.example"]);
    let why = untrusted(opened(&shown, &authority, "localhost", "sslmode=verify-full").await);
    assert!(why.contains("not valid for name \"localhost\"") && why.contains("db.example"), "{why}");
    assert_eq!(
        opened(&shown, &authority, "localhost", "sslmode=verify-ca").await.expect("it is believed"),
        []
    );
}

#[tokio::test]
async fn an_address_is_a_name_too() {
    let authority = Authority::new();
    let shown = authority.issue(&["127.0.0.1"]);
    let warnings = opened(&shown, &authority, "127.0.0.1", "sslmode=verify-full").await;
    assert_eq!(warnings.expect("it is believed"), []);
}

#[tokio::test]
async fn whom_somebody_else_has_signed_for_is_not_believed() {
    let (authority, another) = (Authority::new(), Authority::new());
    let shown = another.issue(&["localhost"]);
    for mode in ["verify-full", "verify-ca", "require"] {
        let why = untrusted(opened(&shown, &authority, "localhost", &format!("sslmode={mode}")).await);
        assert!(why.contains("UnknownIssuer"), "{mode}: {why}");
    }
}

#[tokio::test]
async fn whose_time_is_over_is_not_believed() {
    let authority = Authority::new();
    let shown = authority.issue_expired(&["localhost"]);
    for mode in ["verify-full", "verify-ca"] {
        let why = untrusted(opened(&shown, &authority, "localhost", &format!("sslmode={mode}")).await);
        assert!(why.contains("certificate expired"), "{mode}: {why}");
    }
}

#[tokio::test]
async fn whoever_asks_for_no_proof_is_told_what_that_means() {
    let (database, another) = (Database::new().await, Authority::new());
    let front = Front::with(&another.issue_expired(&["db.example"]), None).await;
    let options = options(&front.url(&database, "localhost", "sslmode=require"));
    migrate(&options).await.expect("it is migrated");
    let store = Store::open(options).await.expect("it opens");
    let warnings = store.warnings().await;
    assert!(
        matches!(&warnings[..], [Warning::Weakened(what)] if what.contains("sslmode=require verifies nothing")),
        "{warnings:?}"
    );
    store.close().await;
}

#[tokio::test]
async fn a_server_may_want_a_certificate_too() {
    let (database, authority, another) = (Database::new().await, Authority::new(), Authority::new());
    let front = Front::with(&authority.issue(&["localhost"]), Some(&authority)).await;
    let of = |pair: &Pair| {
        let (certificate, key) = (pair.certificate.display(), pair.key.display());
        format!("&sslcert={certificate}&sslkey={key}")
    };
    let url = |more: &str| {
        let root = authority.root();
        let parameters = format!("sslmode=verify-full&sslrootcert={}{more}", root.display());
        options(&front.url(&database, "localhost", &parameters))
    };
    for refused in [String::new(), of(&another.issue(&["us"]))] {
        let error = migrate(&url(&refused)).await.expect_err("it is not let in");
        assert!(matches!(error, OpenError::Database(_)), "{error:?}");
    }
    migrate(&url(&of(&authority.issue(&["us"])))).await.expect("it is let in");
}

#[tokio::test]
async fn a_server_without_tls_is_not_talked_to() {
    let (database, authority) = (Database::new().await, Authority::new());
    let joint = if database.url.contains('?') { '&' } else { '?' };
    for mode in ["require".to_owned(), format!("verify-full&sslrootcert={}", authority.root().display())] {
        let error = migrate(&options(&format!("{}{joint}sslmode={mode}", database.url))).await.unwrap_err();
        let why = error.source().expect("there is a reason").to_string();
        assert!(why.contains("server does not support TLS"), "{why}");
    }
}

#[tokio::test]
async fn what_is_said_about_tls_is_checked_before_anybody_is_asked() {
    let authority = Authority::new();
    let (pair, root) = (authority.issue(&["us"]), authority.root().display().to_string());
    let (certificate, key) = (pair.certificate.display(), pair.key.display());
    for (parameters, wrong) in [
        ("sslmode=prefer".to_owned(), "sslmode is disable, require, verify-ca or verify-full"),
        ("sslmode=verify-full".to_owned(), "need sslrootcert=FILE"),
        ("sslmode=verify-ca&sslrootcert=nowhere.pem".to_owned(), "nowhere.pem cannot be used for TLS"),
        (format!("sslmode=verify-full&sslrootcert={key}"), "there is no certificate in it"),
        (format!("sslmode=require&sslcert={certificate}"), "sslcert and sslkey go together"),
        (format!("sslmode=require&sslcert={root}&sslkey={key}"), "ca.pem cannot be used for TLS"),
        (format!("sslmode=require&sslcert={certificate}&sslkey={root}"), "ca.pem cannot be used for TLS"),
    ] {
        let error = Store::open(options(&format!("postgres://u:canary@h/d?{parameters}"))).await.unwrap_err();
        assert!(error.to_string().contains(wrong), "{parameters}: {error}");
        assert!(!format!("{error:?}").contains("canary"), "{error:?}");
    }
}
