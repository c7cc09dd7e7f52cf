//! What it says when it starts, and when it does not.

use std::fs;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};

use serde_json::json;

use super::{Running, user_service};
use crate::stage::{MASTER_KEY, PASSWORD, Place, on_both_places};

on_both_places!(another_master_key_is_refused, a_master_key_comes_from_a_file_as_well);

const OTHER_KEY: &str = "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff";

const SERVE: [&str; 5] = ["serve", "--grpc-addr", "127.0.0.1:0", "--http-addr", "127.0.0.1:0"];

/// What it says instead of starting.
async fn refused(more: &[&str], environment: &[(&str, &str)]) -> String {
    let said = user_service(&[&SERVE, more].concat(), environment).await;
    assert_eq!((said.code, said.stdout.as_str()), (Some(1), ""), "{}", said.stderr);
    said.stderr
}

#[track_caller]
fn says(text: &str, what: &[&str]) {
    assert!(what.iter().all(|what| text.contains(what)), "{what:?} is not all in {text}");
}

async fn another_master_key_is_refused(place: &Place) {
    Running::serve(place).await.stop().await;
    let url = place.url();
    let said = refused(&["--store", &url], &[("USER_SERVICE_MASTER_KEY", OTHER_KEY)]).await;
    says(&said, &["none of the given master keys is the one that this store was made with"]);
    let said = refused(&["--store", &url], &[("USER_SERVICE_MASTER_KEY", "0102")]).await;
    says(&said, &["a master key is 64 hex digits"]);
    assert!(!said.contains("0102"), "a key is never printed: {said}");
    Running::serve(place).await.stop().await;
}

async fn a_master_key_comes_from_a_file_as_well(place: &Place) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    fs::write(&file, format!("{MASTER_KEY}\n")).unwrap();
    let file = file.to_str().unwrap();
    Running::serve(place).await.stop().await;
    let service = Running::serve_with(place, &["--master-key-file", file], &[]).await;
    service.ok("ListUsers", json!({})).await;
    service.stop().await;
    let service = Running::serve_with(place, &[], &[("USER_SERVICE_MASTER_KEY_FILE", file)]).await;
    service.stop().await;
}

#[tokio::test]
async fn the_first_start_makes_what_it_needs_and_says_where() {
    let place = Place::sqlite();
    let service = Running::serve_with(&place, &[], &[]).await;
    let folder = place.file().parent().unwrap().to_owned();
    let key = fs::read_to_string(folder.join("master.key")).unwrap();
    let file = place.file().display().to_string();
    says(&service.announced, &["users       http://127.0.0.1:", "operations  http://127.0.0.1:", &file]);
    says(&service.announced, &["!! A master key was made", "master.key", "has lost every user"]);
    for private in ["users.db", "master.key"] {
        let mode = fs::metadata(folder.join(private)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{private}");
    }
    let said = service.stop().await;
    assert!(!said.stdout.contains(key.trim()) && !said.stderr.contains(key.trim()));
    let again = Running::serve_with(&place, &[], &[]).await.stop().await;
    assert!(!again.stdout.contains("!!"), "the second start has nothing to warn of: {}", again.stdout);
}

#[tokio::test]
async fn two_services_never_share_a_folder() {
    let place = Place::sqlite();
    let first = Running::serve_with(&place, &[], &[]).await;
    says(&refused(&["--store", &place.url()], &[]).await, &["another service is using"]);
    let beside = format!("{}.other", place.url());
    says(&refused(&["--store", &beside], &[]).await, &["another service is using"]);
    assert_eq!(first.stop().await.code, Some(0));
}

#[tokio::test]
async fn a_lost_master_key_is_not_replaced() {
    let place = Place::sqlite();
    Running::serve_with(&place, &[], &[]).await.stop().await;
    fs::remove_file(place.file().with_file_name("master.key")).unwrap();
    let said = refused(&["--store", &place.url()], &[]).await;
    says(&said, &["master.key is missing", "USER_SERVICE_MASTER_KEY"]);
}

#[tokio::test]
async fn on_postgres_a_master_key_must_be_given() {
    let place = Place::postgres().await;
    let said = refused(&["--store", &place.url()], &[]).await;
    says(&said, &["on PostgreSQL the master key must be given", "USER_SERVICE_MASTER_KEY"]);
}

#[tokio::test]
async fn a_service_hides_unless_it_is_told_not_to() {
    let place = Place::sqlite();
    let url = place.url();
    for address in ["--grpc-addr", "--http-addr"] {
        let arguments = ["serve", "--store", &url, address, "0.0.0.0:0"];
        let said = user_service(&arguments, &[]).await;
        assert_eq!((said.code, said.stdout.as_str()), (Some(1), ""));
        says(&said.stderr, &["0.0.0.0 is not a loopback address", "--allow-unprotected"]);
    }
    assert!(!place.file().exists(), "nothing was made for a service that does not start");
}

#[tokio::test]
async fn a_wrong_setting_is_named() {
    let place = Place::sqlite();
    let url = place.url();
    for variable in ["GRPC_PORT", "PORT"] {
        let said = user_service(&["serve", "--store", &url], &[(variable, "http"), ("HOME", "/")]).await;
        assert_eq!(said.code, Some(1));
        says(&said.stderr, &[variable, "must be a port", "\"http\""]);
    }
    let said = user_service(&["doctor", "--store", "mysql://secret@host/db"], &[]).await;
    assert_eq!(said.code, Some(2));
    says(&said.stderr, &["sqlite:PATH or postgres://"]);
    says(&refused(&["--store", &url, "--password-bytes-min", "7"], &[]).await, &["between 8 and 1024"]);
    says(&refused(&["--store", &url, "--argon2-passes", "1"], &[]).await, &["at least 19456 KiB, 2 passes"]);
    assert!(!place.file().exists());
}

#[tokio::test]
async fn whoever_owns_the_folder_can_accept_the_clock() {
    let place = Place::sqlite();
    let (url, socket) = (place.url(), place.file().with_file_name("admin.sock"));
    let service = Running::serve_with(&place, &[], &[]).await;
    let metadata = fs::metadata(&socket).unwrap();
    assert!(metadata.file_type().is_socket());
    assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
    let said = user_service(&["accept-clock", "--store", &url], &[]).await;
    assert_eq!((said.code, said.stdout.as_str()), (Some(0), "the clock is accepted\n"), "{}", said.stderr);
    let create = json!({"email": "alice@example.org", "username": "alice", "password": PASSWORD});
    service.ok("CreateUser", create).await;
    service.stop().await;
    let said = user_service(&["accept-clock", "--store", &url], &[]).await;
    assert_eq!(said.code, Some(1));
    says(&said.stderr, &["no service answers on"]);
}
