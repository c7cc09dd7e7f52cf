//! Backups of the embedded store: made beside a service that goes on writing, and put in the place of another.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::{Running, Said, user_service};
use crate::stage::{MASTER_KEY, PASSWORD, Place, post};

const KEY: (&str, &str) = ("USER_SERVICE_MASTER_KEY", MASTER_KEY);

async fn back_up(place: &Place, to: &Path, more: &[&str]) -> Said {
    let (url, to) = (place.url(), to.to_str().unwrap());
    user_service(&[&["backup", "--store", &url, "--to", to], more].concat(), &[KEY]).await
}

async fn restore(place: &Place, from: &Path, more: &[&str]) -> Said {
    let (url, from) = (place.url(), from.to_str().unwrap());
    user_service(&[&["restore", "--store", &url, "--from", from], more].concat(), &[KEY]).await
}

async fn create(service: &Running, name: &str) -> String {
    let request = json!({"email": format!("{name}@example.org"), "username": name, "password": PASSWORD});
    service.ok("CreateUser", request).await["user"]["id"].as_str().unwrap().to_owned()
}

/// Somebody who changes a user for as long as she is let, and how often she has.
fn writer(service: &Running, id: &str) -> (Arc<AtomicBool>, Arc<AtomicU64>, JoinHandle<()>) {
    let (over, written) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let (address, id) = (service.address, id.to_owned());
    let (until, count) = (Arc::clone(&over), Arc::clone(&written));
    let writing = tokio::spawn(async move {
        while !until.load(Ordering::Relaxed) {
            let n = count.fetch_add(1, Ordering::Relaxed);
            let change = json!({"id": id, "firstName": format!("Alice{n}")});
            assert_eq!(post(address, "UpdateUser", &change.to_string()).await.status, 200);
        }
    });
    (over, written, writing)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_is_made_beside_a_writer_and_put_in_the_place_of_another_store() {
    let (place, elsewhere) = (Place::sqlite(), Place::sqlite());
    let copy = elsewhere.file().with_file_name("copy.db");
    let service = Running::serve(&place).await;
    let alice = create(&service, "alice").await;
    let (over, written, writing) = writer(&service, &alice);
    while written.load(Ordering::Relaxed) < 5 {
        tokio::task::yield_now().await;
    }
    let said = back_up(&place, &copy, &[]).await;
    over.store(true, Ordering::Relaxed);
    writing.await.unwrap();
    assert_eq!(said.code, Some(0), "{}{}", said.stdout, said.stderr);
    let position = said.stdout.split("at position ").nth(1).and_then(|rest| rest.split(',').next());
    let position: u64 = position.unwrap().parse().unwrap();
    assert_eq!(fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
    let files: Vec<_> =
        fs::read_dir(copy.parent().unwrap()).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(files, ["copy.db"], "nothing else is left");
    // What was the last event of the copy is the last of the store that is made of it.
    let event = |service: Value| service["events"].as_array().unwrap().last().unwrap()["eventId"].clone();
    let question = json!({"id": alice, "pageSize": position});
    let there = event(service.ok("ListUserEvents", question.clone()).await);
    service.stop().await;
    let said = restore(&elsewhere, &copy, &[]).await;
    assert_eq!(said.code, Some(0), "{}{}", said.stdout, said.stderr);
    assert!(said.stdout.contains(&format!("of position {position}")), "{}", said.stdout);
    let service = Running::serve(&elsewhere).await;
    assert_eq!(event(service.ok("ListUserEvents", question).await), there);
    let login = json!({"username": "alice", "password": PASSWORD});
    assert_eq!(service.ok("VerifyPassword", login).await["valid"], json!(true));
    service.stop().await;
}

#[tokio::test]
async fn a_backup_replaces_nobodys_file_and_leaves_nothing_when_it_fails() {
    let place = Place::sqlite();
    Running::serve(&place).await.stop().await;
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy.db");
    fs::write(&copy, "mine").unwrap();
    let said = back_up(&place, &copy, &[]).await;
    assert_eq!(
        (said.code, fs::read_to_string(&copy).unwrap().as_str()),
        (Some(1), "mine"),
        "{}",
        said.stderr
    );
    fs::remove_file(&copy).unwrap();
    let other = "f".repeat(64);
    let (url, to) = (place.url(), copy.to_str().unwrap());
    let said =
        user_service(&["backup", "--store", &url, "--to", to], &[("USER_SERVICE_MASTER_KEY", &other)]).await;
    assert!(said.stderr.contains("none of the given master keys"), "{}", said.stderr);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "neither a copy nor half of one");
    let said = user_service(&["backup", "--no-verify", "--store", &url, "--to", to], &[]).await;
    assert_eq!(said.code, Some(0), "pages are copied without a key: {}", said.stderr);
}

#[tokio::test]
async fn an_unsound_store_is_copied_all_the_same_and_the_exit_code_says_so() {
    let place = Place::sqlite();
    let service = Running::serve(&place).await;
    create(&service, "alice").await;
    service.stop().await;
    place.damage("UPDATE user_read_model SET first_name = 'Mallory'").await;
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy.db");
    let said = back_up(&place, &copy, &[]).await;
    assert_eq!(said.code, Some(3), "{}{}", said.stdout, said.stderr);
    assert!(copy.exists(), "it is the last copy of what there is");
}

#[tokio::test]
async fn a_store_is_replaced_only_when_that_is_said_and_nobody_uses_it() {
    let place = Place::sqlite();
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy.db");
    let service = Running::serve(&place).await;
    let alice = create(&service, "alice").await;
    assert_eq!(back_up(&place, &copy, &[]).await.code, Some(0));
    service.ok("DeleteUser", json!({"id": alice})).await;
    service.ok("EraseUser", json!({"id": alice})).await;
    let list = place.file().with_file_name("erasures.jsonl");
    while !fs::read_to_string(&list).unwrap_or_default().contains(&alice) {
        tokio::task::yield_now().await;
    }
    let said = restore(&place, &copy, &["--replace"]).await;
    assert!(said.stderr.contains("another service is using"), "{}", said.stderr);
    create(&service, "bob").await;
    service.kill().await;
    let said = restore(&place, &copy, &[]).await;
    assert!(said.stderr.contains("say --replace"), "{}", said.stderr);
    let nonsense = folder.path().join("nonsense.db");
    fs::write(&nonsense, "this is no database").unwrap();
    let said = restore(&place, &nonsense, &["--replace"]).await;
    assert_eq!(said.code, Some(1), "{}", said.stdout);
    let said = restore(&place, &copy, &["--replace"]).await;
    assert_eq!(said.code, Some(0), "{}{}", said.stdout, said.stderr);
    assert!(said.stdout.contains("1 of 1 listed erasures"), "{}", said.stdout);
    let service = Running::serve(&place).await;
    let left = service.ok("ListUsers", json!({})).await;
    assert!(!left.to_string().contains("example.org"), "Alice is erased, Bob is of another time: {left}");
    service.stop().await;
    let beside: Vec<_> =
        fs::read_dir(place.file().parent().unwrap()).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert!(!beside.iter().any(|name| name.to_string_lossy().contains("partial")), "{beside:?}");
}

/// A store in which Alice has been erased and Bob has come, a backup that has her still, and the list that says so.
async fn erased_since(place: &Place, copy: &Path) -> (String, PathBuf) {
    let service = Running::serve(place).await;
    let alice = create(&service, "alice").await;
    assert_eq!(back_up(place, copy, &[]).await.code, Some(0));
    service.ok("DeleteUser", json!({"id": alice})).await;
    service.ok("EraseUser", json!({"id": alice})).await;
    create(&service, "bob").await;
    let list = place.file().with_file_name("erasures.jsonl");
    while !fs::read_to_string(&list).unwrap_or_default().contains(&alice) {
        tokio::task::yield_now().await;
    }
    service.stop().await;
    (alice, list)
}

async fn everybody(place: &Place) -> String {
    let service = Running::serve(place).await;
    let users = service.ok("ListUsers", json!({})).await.to_string();
    service.stop().await;
    users
}

#[tokio::test]
async fn whoever_the_replaced_store_alone_knows_to_be_erased_stays_erased() {
    let (place, folder) = (Place::sqlite(), tempfile::tempdir().unwrap());
    let copy = folder.path().join("copy.db");
    let (alice, list) = erased_since(&place, &copy).await;
    fs::remove_file(&list).unwrap();
    let said = restore(&place, &copy, &["--replace"]).await;
    assert_eq!(said.code, Some(0), "{}{}", said.stdout, said.stderr);
    assert!(said.stdout.contains("1 of 1 listed erasures"), "{}", said.stdout);
    assert!(fs::read_to_string(&list).unwrap().contains(&alice));
    assert!(!everybody(&place).await.contains("example.org"), "Alice is erased, Bob is of another time");
}

#[tokio::test]
async fn a_list_of_another_log_replaces_nothing() {
    let (place, folder) = (Place::sqlite(), tempfile::tempdir().unwrap());
    let copy = folder.path().join("copy.db");
    let (_, list) = erased_since(&place, &copy).await;
    let own = fs::read_to_string(&list).unwrap();
    let mut line: Value = serde_json::from_str(&own).unwrap();
    line["log_id"] = json!("00000000-0000-0000-0000-000000000002");
    fs::write(&list, format!("{line}\n")).unwrap();
    let said = restore(&place, &copy, &["--replace"]).await;
    assert_eq!(said.code, Some(1), "{}", said.stdout);
    assert!(
        said.stderr.contains("another log") && said.stderr.contains("nothing is replaced"),
        "{}",
        said.stderr
    );
    fs::write(&list, own).unwrap();
    assert!(everybody(&place).await.contains("bob@example.org"), "the store is the one from before");
}

#[tokio::test]
async fn a_store_that_is_broken_is_replaced_by_what_the_list_says() {
    let (place, folder) = (Place::sqlite(), tempfile::tempdir().unwrap());
    let copy = folder.path().join("copy.db");
    erased_since(&place, &copy).await;
    fs::write(place.file(), "this is no database any more").unwrap();
    let said = restore(&place, &copy, &["--replace"]).await;
    assert_eq!(said.code, Some(0), "{}{}", said.stdout, said.stderr);
    assert!(
        said.stdout.contains("cannot be read") && said.stdout.contains("1 of 1 listed"),
        "{}",
        said.stdout
    );
}

#[tokio::test]
async fn a_store_that_is_whole_and_cannot_be_asked_is_not_replaced() {
    let (place, folder) = (Place::sqlite(), tempfile::tempdir().unwrap());
    let copy = folder.path().join("copy.db");
    erased_since(&place, &copy).await;
    let store = rusqlite::Connection::open(place.file()).unwrap();
    let newest = "FROM product_schema_history ORDER BY version DESC LIMIT 1";
    store
        .execute(&format!("DELETE FROM product_schema_history WHERE version = (SELECT version {newest})"), [])
        .unwrap();
    drop(store);
    let said = restore(&place, &copy, &["--replace"]).await;
    assert_ne!(said.code, Some(0), "{}", said.stdout);
    assert!(
        said.stderr.contains("nothing is replaced") && said.stderr.contains("migrate first"),
        "{}",
        said.stderr
    );
}

#[tokio::test]
async fn on_postgresql_its_own_tools_are_named() {
    let place = Place::postgres().await;
    let folder = tempfile::tempdir().unwrap();
    let said = back_up(&place, &folder.path().join("copy.db"), &[]).await;
    assert!(said.stderr.contains("pg_basebackup"), "{}", said.stderr);
}
