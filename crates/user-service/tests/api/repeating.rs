//! Request ids: a write that is repeated is executed once, and answered as it was the first time.

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::stage::{PASSWORD, Stage, User, on_both_stores, post, refusal_of};

on_both_stores!(
    every_kind_of_write_can_be_repeated,
    a_replay_shows_the_user_as_she_was_then,
    a_write_that_changed_nothing_is_remembered_too,
    an_id_is_good_for_one_request_only,
    ids_of_different_calls_do_not_meet,
    a_refused_request_may_be_tried_again_under_its_id,
    two_in_flight_under_one_id_have_one_effect,
    passwords_that_are_changed_in_flight_change_once,
    after_erasure_only_the_erasure_is_replayed,
);

/// A request id that is told apart by its last digits.
fn request_id(n: u32) -> String {
    format!("0b5e0000-0000-4000-8000-{n:012}")
}

/// The answer to a request under an id, made twice: the second time without an effect.
async fn twice(stage: &Stage, call: &str, mut request: Value, n: u32) -> User {
    request["requestId"] = json!(request_id(n));
    let first = stage.ok(call, request.clone()).await;
    let head = stage.head().await;
    let second = stage.ok(call, request).await;
    assert_eq!(first.get("replayed"), None, "{call}");
    assert_eq!(second["replayed"], json!(true), "{call}");
    for field in ["user", "position"] {
        assert_eq!(second[field], first[field], "{call}");
    }
    assert_eq!(stage.head().await, head, "{call}");
    User(first["user"].clone())
}

async fn every_kind_of_write_can_be_repeated(stage: &Stage) {
    let alice = json!({"email": "alice@example.org", "username": "alice", "password": PASSWORD});
    let alice = twice(stage, "CreateUser", alice, 0).await;
    let id = alice.id();
    let writes = [
        ("UpdateUser", json!({"id": id, "email": "alice@example.com", "username": "alix"})),
        ("ChangePassword", json!({"id": id, "oldPassword": PASSWORD, "newPassword": "another horse"})),
        ("SetPassword", json!({"id": id, "password": "a third horse"})),
        ("DeactivateUser", json!({"id": id})),
        ("ActivateUser", json!({"id": id})),
        ("SuspendUser", json!({"id": id, "reason": "spam"})),
        ("ReinstateUser", json!({"id": id})),
        ("DeleteUser", json!({"id": id})),
        ("RestoreUser", json!({"id": id})),
    ];
    for (n, (call, request)) in (1..).zip(writes) {
        twice(stage, call, request, n).await;
    }
    stage.change("DeleteUser", &alice).await;
    assert_eq!(twice(stage, "EraseUser", json!({"id": id}), 20).await.status(), "ERASED");
    assert_eq!(stage.head().await, 13, "each had its events once, the first change two");
}

async fn a_replay_shows_the_user_as_she_was_then(stage: &Stage) {
    let request = json!({
        "email": "alice@example.org", "username": "alice", "password": PASSWORD, "requestId": request_id(1),
    });
    let created = stage.ok("CreateUser", request.clone()).await;
    let alice = User(created["user"].clone());
    let rename = json!({"id": alice.id(), "username": "alix", "requestId": request_id(2)});
    let renamed = stage.ok("UpdateUser", rename.clone()).await;
    stage.change("SuspendUser", &alice).await;
    stage.change("DeleteUser", &alice).await;
    for (call, request, then) in [("CreateUser", request, created), ("UpdateUser", rename, renamed)] {
        let replayed = stage.ok(call, request).await;
        assert_eq!((&replayed["user"], &replayed["position"]), (&then["user"], &then["position"]));
    }
    assert_eq!(stage.get(&alice).await.status(), "DELETED");
}

async fn a_write_that_changed_nothing_is_remembered_too(stage: &Stage) {
    let alice = stage.create("alice").await;
    let activate = json!({"id": alice.id(), "requestId": request_id(1)});
    let answer = stage.ok("ActivateUser", activate.clone()).await;
    assert_eq!((&answer["user"], answer.get("replayed")), (&alice.0, None));
    stage.change("DeactivateUser", &alice).await;
    let replayed = stage.ok("ActivateUser", activate).await;
    assert_eq!((&replayed["user"], &replayed["replayed"]), (&alice.0, &json!(true)));
    assert_eq!(replayed["position"], answer["position"]);
    assert_eq!(
        stage.get(&alice).await.status(),
        "INACTIVE",
        "a retry of what is over does not come back to life"
    );
}

async fn an_id_is_good_for_one_request_only(stage: &Stage) {
    let (alice, bob) = (stage.create("alice").await, stage.create("bob").await);
    let first = json!({"id": alice.id(), "firstName": "Alice", "requestId": request_id(1)});
    stage.ok("UpdateUser", first.clone()).await;
    let head = stage.head().await;
    for (field, value) in [
        ("id", json!(bob.id())),
        ("firstName", json!("Alix")),
        ("lastName", json!("Liddell")),
        ("etag", json!(alice.etag())),
        ("updateMask", json!("firstName")),
    ] {
        let mut other = first.clone();
        other[field] = value;
        let refusal = stage.refused("UpdateUser", other).await;
        assert_eq!(refusal, "invalid_argument REQUEST_ID_REUSED request_id", "{field}");
    }
    assert_eq!(stage.head().await, head);
}

async fn ids_of_different_calls_do_not_meet(stage: &Stage) {
    let alice = stage.create("alice").await;
    for call in ["DeactivateUser", "ActivateUser", "DeleteUser", "RestoreUser"] {
        let request = json!({"id": alice.id(), "requestId": request_id(1)});
        assert_eq!(stage.ok(call, request).await.get("replayed"), None, "{call}");
    }
    assert_eq!(stage.head().await, 5);
}

async fn a_refused_request_may_be_tried_again_under_its_id(stage: &Stage) {
    let alice = stage.create("alice").await;
    let erase = json!({"id": alice.id(), "requestId": request_id(1)});
    assert_eq!(stage.refused("EraseUser", erase.clone()).await, "failed_precondition USER_NOT_DELETED");
    stage.change("DeleteUser", &alice).await;
    let erased = stage.ok("EraseUser", erase).await;
    assert_eq!(
        (erased["user"]["status"].as_str(), erased.get("replayed")),
        (Some("USER_STATUS_ERASED"), None)
    );
}

/// The same request many times at once: every caller gets the one answer.
async fn at_once(stage: &Stage, call: &'static str, request: &Value) -> Vec<Value> {
    let mut callers = JoinSet::new();
    for _ in 0..8 {
        let (address, body) = (stage.service.address, request.to_string());
        callers.spawn(async move { post(address, call, &body).await });
    }
    let answers = callers.join_all().await;
    for answer in &answers {
        assert_eq!(answer.status, 200, "{call}: {}", refusal_of(&answer.body));
        assert_eq!(answer.body["user"], answers[0].body["user"], "{call}");
        assert_eq!(answer.body["position"], answers[0].body["position"], "{call}");
    }
    let first = answers.iter().filter(|answer| answer.body.get("replayed").is_none());
    assert_eq!(first.count(), 1, "{call} is executed once");
    answers.into_iter().map(|answer| answer.body).collect()
}

async fn two_in_flight_under_one_id_have_one_effect(stage: &Stage) {
    for n in 0..4 {
        let name = format!("user{n}");
        let request = json!({
            "email": format!("{name}@example.org"), "username": name, "password": PASSWORD,
            "requestId": request_id(n),
        });
        let head = stage.head().await;
        let user = User(at_once(stage, "CreateUser", &request).await[0]["user"].clone());
        assert_eq!(stage.head().await, head + 1);
        let request = json!({"id": user.id(), "username": format!("{name}x"), "etag": user.etag(), "requestId": request_id(n)});
        at_once(stage, "UpdateUser", &request).await;
        assert_eq!(stage.head().await, head + 2);
    }
}

async fn passwords_that_are_changed_in_flight_change_once(stage: &Stage) {
    let alice = stage.create("alice").await;
    let request = json!({
        "id": alice.id(), "oldPassword": PASSWORD, "newPassword": "another horse", "requestId": request_id(1),
    });
    at_once(stage, "ChangePassword", &request).await;
    assert_eq!(stage.head().await, 2);
}

async fn after_erasure_only_the_erasure_is_replayed(stage: &Stage) {
    let create = json!({
        "email": "alice@example.org", "username": "alice", "password": PASSWORD, "requestId": request_id(1),
    });
    let alice = User(stage.ok("CreateUser", create.clone()).await["user"].clone());
    let by_id = json!({"id": alice.id(), "requestId": request_id(2)});
    for call in ["DeleteUser", "EraseUser"] {
        stage.ok(call, by_id.clone()).await;
    }
    let head = stage.head().await;
    assert_eq!(stage.refused("CreateUser", create).await, "not_found ERASED");
    assert_eq!(stage.refused("DeleteUser", by_id.clone()).await, "not_found ERASED");
    assert_eq!(stage.ok("EraseUser", by_id).await["replayed"], json!(true));
    assert_eq!(stage.head().await, head);
}
