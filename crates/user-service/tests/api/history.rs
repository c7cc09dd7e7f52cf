//! `ListUserEvents`: who changed what and when, and nothing that is secret.

use std::fmt::Write as _;

use insta::{allow_duplicates, assert_snapshot};
use serde_json::{Value, json};

use crate::stage::{PASSWORD, Stage, User, on_both_stores};

on_both_stores!(
    a_history_tells_every_change_with_what_was_before,
    a_history_has_pages,
    of_an_erased_user_a_history_tells_nothing_personal,
    a_request_id_stands_beside_what_it_did,
    nobody_has_no_history,
);

/// Everything that can happen to a user once.
async fn whole_life(stage: &Stage) -> User {
    let request = json!({
        "email": "alice@example.org", "username": "alice", "password": PASSWORD, "firstName": "Alice",
    });
    let alice = User(stage.ok("CreateUser", request).await["user"].clone());
    let id = alice.id();
    let update = json!({
        "id": id, "email": "alix@example.org", "username": "alix", "firstName": "", "lastName": "Liddell",
    });
    stage.ok("UpdateUser", update).await;
    let change = json!({"id": id, "oldPassword": PASSWORD, "newPassword": "another horse"});
    stage.ok("ChangePassword", change).await;
    stage.ok("SetPassword", json!({"id": id, "password": "a third horse"})).await;
    for call in [
        "DeactivateUser",
        "ActivateUser",
        "SuspendUser",
        "ReinstateUser",
        "DeleteUser",
        "RestoreUser",
        "DeleteUser",
    ] {
        stage.change(call, &alice).await;
    }
    alice
}

fn told(history: &Value) -> String {
    let mut text = String::new();
    for event in history["events"].as_array().expect("a page has events") {
        let [kind, version, time] = ["type", "version", "time"].map(|field| event[field].as_str().unwrap());
        writeln!(text, "{version} {kind} by {} at {time}", event["actor"].as_str().unwrap()).unwrap();
        for change in event["changes"].as_array().map_or(&[][..], Vec::as_slice) {
            let value = |side: &str| change[side].as_str().unwrap_or("-");
            let erased = if change["erased"] == json!(true) { " (erased)" } else { "" };
            let field = change["field"].as_str().unwrap();
            writeln!(text, "    {field}: {} -> {}{erased}", value("from"), value("to")).unwrap();
        }
    }
    text
}

async fn a_history_tells_every_change_with_what_was_before(stage: &Stage) {
    let alice = whole_life(stage).await;
    let history = told(&stage.ok("ListUserEvents", json!({"id": alice.id()})).await);
    allow_duplicates! {
        assert_snapshot!(history, @r#"
    1 user.created by anonymous at 2026-01-01T00:00:00Z
        email: - -> alice@example.org
        username: - -> alice
        first_name: - -> Alice
        status: - -> active
        credential: - -> 1 argon2id
    2 user.email_changed by anonymous at 2026-01-01T00:00:00.000001Z
        email: alice@example.org -> alix@example.org
    3 user.username_changed by anonymous at 2026-01-01T00:00:00.000001Z
        username: alice -> alix
    4 user.profile_updated by anonymous at 2026-01-01T00:00:00.000001Z
        first_name: Alice -> -
        last_name: - -> Liddell
    5 user.password_changed by anonymous at 2026-01-01T00:00:00.000002Z
        credential: 1 argon2id -> 2 argon2id
        changed_by: - -> self
    6 user.password_changed by anonymous at 2026-01-01T00:00:00.000003Z
        credential: 2 argon2id -> 3 argon2id
        changed_by: - -> administrator
    7 user.deactivated by anonymous at 2026-01-01T00:00:00.000004Z
        status: active -> inactive
    8 user.activated by anonymous at 2026-01-01T00:00:00.000005Z
        status: inactive -> active
    9 user.suspended by anonymous at 2026-01-01T00:00:00.000006Z
        status: active -> suspended
        reason: - -> spam
    10 user.reinstated by anonymous at 2026-01-01T00:00:00.000007Z
        status: suspended -> active
    11 user.deleted by anonymous at 2026-01-01T00:00:00.000008Z
        status: active -> deleted
    12 user.restored by anonymous at 2026-01-01T00:00:00.000009Z
        status: deleted -> active
    13 user.deleted by anonymous at 2026-01-01T00:00:00.000010Z
        status: active -> deleted
    "#)
    }
}

async fn a_history_has_pages(stage: &Stage) {
    let alice = whole_life(stage).await;
    stage.create("bob").await;
    let whole = stage.ok("ListUserEvents", json!({"id": alice.id(), "pageSize": 1000})).await;
    assert_eq!(whole.get("nextPageToken"), None);
    let (mut request, mut pieces, mut sizes) =
        (json!({"id": alice.id(), "pageSize": 5}), Vec::new(), Vec::new());
    loop {
        let page = stage.ok("ListUserEvents", request.clone()).await;
        let events = page["events"].as_array().unwrap();
        sizes.push(events.len());
        pieces.extend_from_slice(events);
        request["pageToken"] = page["nextPageToken"].clone();
        if request["pageToken"].is_null() {
            break;
        }
    }
    assert_eq!(sizes, [5, 5, 3]);
    assert_eq!(json!(pieces), whole["events"]);
}

async fn of_an_erased_user_a_history_tells_nothing_personal(stage: &Stage) {
    let alice = whole_life(stage).await;
    stage.change("EraseUser", &alice).await;
    let history = told(&stage.ok("ListUserEvents", json!({"id": alice.id()})).await);
    for personal in ["alice", "alix", "Alice", "Liddell", "spam", "horse", "$argon2id"] {
        assert!(!history.contains(personal), "{personal} is in\n{history}");
    }
    allow_duplicates! {
        assert_snapshot!(history, @r#"
    1 user.created by anonymous at 2026-01-01T00:00:00Z
        email: - -> - (erased)
        username: - -> - (erased)
        first_name: - -> - (erased)
        last_name: - -> - (erased)
        avatar_url: - -> - (erased)
        status: - -> active
        credential: - -> 1 argon2id
    2 user.email_changed by anonymous at 2026-01-01T00:00:00.000001Z
        email: - -> - (erased)
    3 user.username_changed by anonymous at 2026-01-01T00:00:00.000001Z
        username: - -> - (erased)
    4 user.profile_updated by anonymous at 2026-01-01T00:00:00.000001Z
        first_name: - -> - (erased)
        last_name: - -> - (erased)
        avatar_url: - -> - (erased)
    5 user.password_changed by anonymous at 2026-01-01T00:00:00.000002Z
        credential: 1 argon2id -> 2 argon2id
        changed_by: - -> self
    6 user.password_changed by anonymous at 2026-01-01T00:00:00.000003Z
        credential: 2 argon2id -> 3 argon2id
        changed_by: - -> administrator
    7 user.deactivated by anonymous at 2026-01-01T00:00:00.000004Z
        status: active -> inactive
    8 user.activated by anonymous at 2026-01-01T00:00:00.000005Z
        status: inactive -> active
    9 user.suspended by anonymous at 2026-01-01T00:00:00.000006Z
        status: active -> suspended
        reason: - -> - (erased)
    10 user.reinstated by anonymous at 2026-01-01T00:00:00.000007Z
        status: suspended -> active
    11 user.deleted by anonymous at 2026-01-01T00:00:00.000008Z
        status: active -> deleted
    12 user.restored by anonymous at 2026-01-01T00:00:00.000009Z
        status: deleted -> active
    13 user.deleted by anonymous at 2026-01-01T00:00:00.000010Z
        status: active -> deleted
    14 user.erased by anonymous at 2026-01-01T00:00:00.000011Z
        status: deleted -> erased
    "#)
    }
}

async fn a_request_id_stands_beside_what_it_did(stage: &Stage) {
    let alice = stage.create("alice").await;
    let request_id = "0b5e0000-0000-4000-8000-000000000001";
    stage.ok("DeleteUser", json!({"id": alice.id(), "requestId": request_id})).await;
    let history = stage.ok("ListUserEvents", json!({"id": alice.id()})).await;
    assert_eq!(history["events"][0].get("requestId"), None);
    assert_eq!(history["events"][1]["requestId"], request_id);
}

async fn nobody_has_no_history(stage: &Stage) {
    let request = json!({"id": "01890000-0000-7000-8000-000000000000"});
    assert_eq!(stage.refused("ListUserEvents", request).await, "not_found USER_NOT_FOUND");
}
