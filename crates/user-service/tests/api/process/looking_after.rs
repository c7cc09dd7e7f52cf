//! Projections from the command line: asked of whoever runs, and of the store itself when nobody does.

use serde_json::{Value, json};

use super::{Running, user_service};
use crate::stage::{MASTER_KEY, PASSWORD, Place, on_both_places};

on_both_places!(
    projections_are_built_anew_while_a_service_runs,
    projections_are_built_anew_while_nobody_serves,
    a_projection_that_does_not_exist_is_not_built,
    what_is_not_done_does_not_end_well,
    whoever_serves_with_a_socket_of_its_own_is_reached_there,
);

const KEY: (&str, &str) = ("USER_SERVICE_MASTER_KEY", MASTER_KEY);

/// What a command about projections says; it succeeds.
async fn projection(place: &Place, words: &[&str]) -> String {
    let url = place.url();
    let said = user_service(&[&["projection"], words, &["--store", &url]].concat(), &[KEY]).await;
    assert_eq!(said.code, Some(0), "{words:?}: {}{}", said.stdout, said.stderr);
    said.stdout
}

/// The number of the live generation.
async fn live(place: &Place, name: &str) -> u64 {
    let listed = projection(place, &["list", "--json"]).await;
    let listed: Vec<Value> = listed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let named = listed.iter().find(|listed| listed["name"] == name).expect(name);
    let generations = named["generations"].as_array().unwrap();
    generations.iter().find(|one| one["slot"] == "live").unwrap()["number"].as_u64().unwrap()
}

async fn create(service: &Running, name: &str) {
    let request = json!({"email": format!("{name}@example.org"), "username": name, "password": PASSWORD});
    service.ok("CreateUser", request).await;
}

/// Who is found by a part of her name.
async fn found(service: &Running, query: &str, position: u64) -> String {
    let request = json!({"filter": {"query": query}, "minPosition": position.to_string()});
    service.ok("ListUsers", request).await.to_string()
}

/// How many are found, if an index can tell.
async fn counted(service: &Running, query: &str) -> Value {
    let request = json!({"filter": {"query": query}, "includeTotal": true});
    service.ok("ListUsers", request).await["totalSize"].clone()
}

async fn projections_are_built_anew_while_a_service_runs(place: &Place) {
    let service = Running::serve(place).await;
    create(&service, "alice").await;
    assert!(found(&service, "LIC", 1).await.contains("alice@example.org"));
    for name in ["user_search", "user_history", "user_activity", "users"] {
        let before = live(place, name).await;
        let said = projection(place, &["rebuild", name]).await;
        assert!(!said.is_empty(), "it says what became of it");
        assert!(live(place, name).await > before, "{name}: {said}");
    }
    assert_eq!(counted(&service, "LIC").await, json!("1"), "by an index that has been built with it");
    assert!(found(&service, "LIC", 1).await.contains("alice@example.org"));
    let before = live(place, "user_search").await;
    projection(place, &["rollback", "user_search"]).await;
    assert!(live(place, "user_search").await < before);
    assert_eq!(counted(&service, "LIC").await, json!("1"), "and that of before is there still");
    projection(place, &["retire", "user_search", "prior"]).await;
    assert_eq!(projection(place, &["parked", "list", "user_search"]).await, "");
    let list = projection(place, &["list"]).await;
    assert!(list.contains("user_history") && list.contains("live"), "{list}");
    service.stop().await;
}

async fn projections_are_built_anew_while_nobody_serves(place: &Place) {
    let service = Running::serve(place).await;
    create(&service, "alice").await;
    found(&service, "lic", 1).await;
    service.stop().await;
    let before = live(place, "user_history").await;
    projection(place, &["rebuild", "user_history"]).await;
    assert!(live(place, "user_history").await > before);
    let service = Running::serve(place).await;
    assert!(found(&service, "lic", 1).await.contains("alice@example.org"));
    service.stop().await;
}

/// What a command about projections says that does not succeed.
async fn not_done(place: &Place, words: &[&str]) -> String {
    let url = place.url();
    let said = user_service(&[&["projection"], words, &["--store", &url]].concat(), &[KEY]).await;
    assert_eq!((said.code, said.stdout.as_str()), (Some(1), ""), "{words:?}: {}", said.stderr);
    said.stderr
}

async fn what_is_not_done_does_not_end_well(place: &Place) {
    let service = Running::serve(place).await;
    create(&service, "alice").await;
    assert!(found(&service, "lic", 1).await.contains("alice"));
    let refused = not_done(place, &["rollback", "user_search"]).await;
    assert!(refused.contains("user_search: refused: there is no prior generation"), "{refused}");
    place.damage("UPDATE events SET event_type = 'user.teleported', sealed = NULL").await;
    let refused = not_done(place, &["rebuild", "user_search"]).await;
    assert!(refused.contains("1 streams are parked in it that the live one shows"), "{refused}");
    assert!(found(&service, "lic", 1).await.contains("alice"));
    projection(place, &["switch", "user_search", "--accept-parked"]).await;
    let failed = not_done(place, &["parked", "retry", "user_search"]).await;
    assert!(
        failed.contains("user_search: failed: live: 0 events projected, 1 streams still parked"),
        "{failed}"
    );
    service.stop().await;
}

async fn a_projection_that_does_not_exist_is_not_built(place: &Place) {
    let service = Running::serve(place).await;
    let url = place.url();
    let said = user_service(&["projection", "rebuild", "user_serach", "--store", &url], &[KEY]).await;
    assert_eq!(said.code, Some(1));
    assert!(said.stderr.contains("there is no"), "{}", said.stderr);
    service.stop().await;
}

async fn whoever_serves_with_a_socket_of_its_own_is_reached_there(place: &Place) {
    let folder = tempfile::tempdir().unwrap();
    let (url, socket) = (place.url(), folder.path().join("elsewhere.sock").display().to_string());
    let service = Running::serve_with(place, &["--admin-socket", &socket], &[KEY]).await;
    create(&service, "alice").await;
    assert!(found(&service, "lic", 1).await.contains("alice"));
    place.damage("UPDATE user_search SET username = 'mallory'").await;
    let there = ["--store", &url, "--admin-socket", &socket];
    let said = user_service(&[&["doctor", "--repair"], &there[..]].concat(), &[KEY]).await;
    assert_eq!(said.code, Some(0), "{}{}", said.stdout, said.stderr);
    assert_eq!(said.stdout.matches("MENDED user_search: the rows of").count(), 1, "{}", said.stdout);
    for command in [&["projection", "list"][..], &["accept-clock"]] {
        let said = user_service(&[command, &there[..]].concat(), &[KEY]).await;
        assert_eq!(said.code, Some(0), "{command:?}: {}", said.stderr);
    }
    service.stop().await;
}
