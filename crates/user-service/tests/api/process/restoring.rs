//! What happens to the erased when a backup is put back: they are erased again before anybody is served.

use std::fs;

use serde_json::{Value, json};

use super::{Running, user_service};
use crate::stage::{MASTER_KEY, PASSWORD, Place, on_both_places, post};

on_both_places!(
    who_was_erased_after_the_backup_is_erased_again_before_anybody_is_served,
    restore_erases_again_without_serving,
    a_list_of_another_log_is_refused,
);

const KEY: (&str, &str) = ("USER_SERVICE_MASTER_KEY", MASTER_KEY);

async fn serve(place: &Place, list: &str) -> Running {
    Running::serve_with(place, &["--erasure-list", list], &[KEY]).await
}

/// Creates somebody whom only her events know by name.
async fn create(service: &Running, name: &str) -> String {
    let request = json!({"email": format!("{name}@example.org"), "username": name, "password": PASSWORD});
    service.ok("CreateUser", request).await["user"]["id"].as_str().unwrap().to_owned()
}

async fn erase(service: &Running, id: &str) {
    service.ok("DeleteUser", json!({"id": id})).await;
    service.ok("EraseUser", json!({"id": id})).await;
}

/// Waits until an erasure is written down.
async fn listed(list: &str, id: &str) {
    while !fs::read_to_string(list).unwrap_or_default().contains(id) {
        tokio::task::yield_now().await;
    }
}

/// A store that was put back to a moment before Bob was erased and after Alice was, and the list of both.
async fn put_back(place: &Place, list: &str) -> [String; 2] {
    let service = serve(place, list).await;
    let (alice, bob) = (create(&service, "alice").await, create(&service, "bob").await);
    erase(&service, &alice).await;
    listed(list, &alice).await;
    service.stop().await;
    let backup = place.backup().await;
    let service = serve(place, list).await;
    assert!(!service.announced.contains("restored"), "nothing has been put back yet");
    erase(&service, &bob).await;
    listed(list, &bob).await;
    service.stop().await;
    place.restore(&backup).await;
    [alice, bob]
}

async fn refusal(service: &Running, id: &str) -> Value {
    post(service.address, "GetUser", &json!({"id": id}).to_string()).await.body["code"].clone()
}

async fn who_was_erased_after_the_backup_is_erased_again_before_anybody_is_served(place: &Place) {
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("erasures.jsonl");
    let list = list.to_str().unwrap();
    let [alice, bob] = put_back(place, list).await;
    let service = serve(place, list).await;
    assert!(service.announced.contains("1 of 2 listed erasures had been undone"), "{}", service.announced);
    for id in [&alice, &bob] {
        assert_eq!(refusal(&service, id).await, "not_found");
    }
    let events = service.ok("ListUserEvents", json!({"id": bob})).await;
    assert!(!events.to_string().contains("bob@"), "her events are unreadable: {events}");
    service.stop().await;
    let service = serve(place, list).await;
    assert!(
        !service.announced.contains("restored"),
        "it was done, and is on the list: {}",
        service.announced
    );
    service.stop().await;
}

async fn restore_erases_again_without_serving(place: &Place) {
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("erasures.jsonl");
    let list = list.to_str().unwrap();
    put_back(place, list).await;
    let url = place.url();
    let restore = ["restore", "--store", &url, "--erasure-list", list];
    let said = user_service(&restore, &[KEY]).await;
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert!(said.stdout.contains("1 of 2"), "{}", said.stdout);
    let said = user_service(&restore, &[KEY]).await;
    assert!(said.stdout.contains("nothing to do"), "{}", said.stdout);
}

async fn a_list_of_another_log_is_refused(place: &Place) {
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("erasures.jsonl");
    let line = json!({
        "user_id": "00000000-0000-0000-0000-000000000001",
        "log_id": "00000000-0000-0000-0000-000000000002",
        "position": 3,
        "event_id": "00000000-0000-0000-0000-000000000003",
        "erased_at": "2026-05-03T00:00:00Z",
    });
    fs::write(&list, format!("{line}\n")).unwrap();
    Running::serve(place).await.stop().await;
    let url = place.url();
    let said =
        user_service(&["restore", "--store", &url, "--erasure-list", list.to_str().unwrap()], &[KEY]).await;
    assert_eq!(said.code, Some(1), "{}", said.stdout);
    assert!(said.stderr.contains("another log"), "{}", said.stderr);
}

/// An embedded store cannot be exchanged under its service.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_was_erased_is_erased_again_when_a_backup_is_put_back_under_a_running_service() {
    a_backup_is_put_back_under_a_running_service(0).await;
}

/// Nothing that follows the log by its length alone would notice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn so_she_is_when_the_backup_has_gone_past_the_old_head_elsewhere() {
    a_backup_is_put_back_under_a_running_service(20).await;
}

async fn a_backup_is_put_back_under_a_running_service(grown_by: usize) {
    let place = Place::postgres().await;
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("erasures.jsonl");
    let list = list.to_str().unwrap();
    let service = serve(&place, list).await;
    let (alice, bob) = (create(&service, "alice").await, create(&service, "bob").await);
    service.stop().await;
    let backup = place.backup().await;
    if grown_by > 0 {
        let elsewhere = Running::serve(&backup).await;
        for n in 0..grown_by {
            create(&elsewhere, &format!("newcomer{n}")).await;
        }
        elsewhere.stop().await;
    }
    let service = serve(&place, list).await;
    erase(&service, &bob).await;
    listed(list, &bob).await;
    place.restore(&backup).await;
    while refusal(&service, &bob).await != "not_found" {
        tokio::task::yield_now().await;
    }
    erase(&service, &alice).await;
    listed(list, &alice).await;
    service.stop().await;
    let service = serve(&place, list).await;
    assert!(!service.announced.contains("restored"), "{}", service.announced);
    for id in [&alice, &bob] {
        assert_eq!(refusal(&service, id).await, "not_found");
    }
    service.stop().await;
}
