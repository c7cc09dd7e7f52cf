//! `UpdateUser`: what is set, cleared and left alone, all of it or nothing; and etags, on every kind of write.

use serde_json::{Value, json};

use crate::stage::{PASSWORD, Stage, User, on_both_stores};

on_both_stores!(
    what_is_given_is_set_and_the_rest_left_alone,
    an_empty_text_clears_what_may_be_absent,
    a_mask_says_exactly_what_is_set,
    all_of_it_or_nothing,
    an_own_address_may_change_its_spelling,
    saying_what_holds_already_changes_nothing,
    an_etag_of_the_current_version_is_taken,
    another_etag_is_refused,
    every_write_honours_its_etag,
);

async fn dressed(stage: &Stage) -> User {
    let request = json!({
        "email": "alice@example.org", "username": "alice", "password": PASSWORD,
        "firstName": "Alice", "lastName": "Liddell", "avatarUrl": "https://example.org/a.png",
    });
    User(stage.ok("CreateUser", request).await["user"].clone())
}

/// E-mail, username, first name, last name and avatar of a user; `-` for what is absent.
fn shown(user: &Value) -> String {
    let fields = ["email", "username", "firstName", "lastName", "avatarUrl"];
    fields.map(|field| user[field].as_str().unwrap_or("-")).join(" ")
}

async fn updated(stage: &Stage, user: &User, mut request: Value) -> String {
    request["id"] = json!(user.id());
    let answer = stage.ok("UpdateUser", request).await;
    assert_eq!(answer["user"], stage.get(user).await.0, "the answer is the user as she is now");
    shown(&answer["user"])
}

async fn what_is_given_is_set_and_the_rest_left_alone(stage: &Stage) {
    let alice = dressed(stage).await;
    assert_eq!(
        updated(stage, &alice, json!({"email": "alix@Example.COM", "lastName": "Hargreaves"})).await,
        "alix@example.com alice Alice Hargreaves https://example.org/a.png"
    );
    assert_eq!(
        updated(stage, &alice, json!({"username": "alix"})).await,
        "alix@example.com alix Alice Hargreaves https://example.org/a.png"
    );
    assert_eq!(stage.head().await, 4, "two events for the first, one for the second");
}

async fn an_empty_text_clears_what_may_be_absent(stage: &Stage) {
    let alice = dressed(stage).await;
    let request = json!({"firstName": "", "avatarUrl": ""});
    assert_eq!(updated(stage, &alice, request).await, "alice@example.org alice - Liddell -");
    for field in ["email", "username"] {
        let request = json!({"id": alice.id(), field: ""});
        assert_eq!(stage.refused("UpdateUser", request).await, format!("invalid_argument EMPTY {field}"));
    }
}

async fn a_mask_says_exactly_what_is_set(stage: &Stage) {
    let alice = dressed(stage).await;
    let request = json!({"updateMask": "firstName,lastName", "firstName": "Al", "username": "not named"});
    assert_eq!(
        updated(stage, &alice, request).await,
        "alice@example.org alice Al - https://example.org/a.png",
        "the last name is named and absent"
    );
    let request = json!({"updateMask": "", "username": "alix"});
    assert_eq!(
        updated(stage, &alice, request).await,
        "alice@example.org alice Al - https://example.org/a.png"
    );
    let request = json!({"id": alice.id(), "updateMask": "email"});
    assert_eq!(stage.refused("UpdateUser", request).await, "invalid_argument EMPTY email");
}

async fn all_of_it_or_nothing(stage: &Stage) {
    let (alice, bob) = (dressed(stage).await, stage.create("bob").await);
    let head = stage.head().await;
    let both = |email: &str, username: &str| json!({"id": bob.id(), "email": email, "username": username, "firstName": "Bob"});
    let request = both("Alice@Example.org", "robert");
    assert_eq!(stage.refused("UpdateUser", request).await, "already_exists EMAIL_TAKEN email");
    let request = both("robert@example.org", "ALICE");
    assert_eq!(stage.refused("UpdateUser", request).await, "already_exists USERNAME_TAKEN username");
    assert_eq!((stage.get(&bob).await, stage.head().await), (bob.clone(), head));
    for name in ["robert@example.org", "bob@example.org"] {
        let free = name.starts_with("robert");
        let found = stage.service.post("GetUser", &json!({"email": name})).await;
        assert_eq!(found.status == 200, !free, "{name} is claimed by nobody but who has it");
    }
    let request = json!({"id": alice.id(), "email": "alice@example.org", "username": "bob"});
    assert_eq!(stage.refused("UpdateUser", request).await, "already_exists USERNAME_TAKEN username");
}

async fn an_own_address_may_change_its_spelling(stage: &Stage) {
    let alice = dressed(stage).await;
    let request = json!({"email": "ALICE@example.org", "username": "Alice"});
    assert_eq!(
        updated(stage, &alice, request).await,
        "ALICE@example.org Alice Alice Liddell https://example.org/a.png"
    );
    assert_eq!(stage.head().await, 3);
}

async fn saying_what_holds_already_changes_nothing(stage: &Stage) {
    let alice = dressed(stage).await;
    stage.create("bob").await;
    let same = json!({"id": alice.id(), "email": "alice@example.org", "firstName": "Alice"});
    for request in [
        same,
        json!({"id": alice.id()}),
        json!({"id": alice.id(), "updateMask": "firstName", "firstName": "Alice"}),
    ] {
        let answer = stage.ok("UpdateUser", request).await;
        assert_eq!((&answer["user"], &answer["position"]), (&alice.0, &json!("1")));
    }
    assert_eq!(stage.head().await, 2);
}

async fn an_etag_of_the_current_version_is_taken(stage: &Stage) {
    let alice = stage.create("alice").await;
    let request = json!({"id": alice.id(), "firstName": "Alice", "etag": alice.etag()});
    let changed = User(stage.ok("UpdateUser", request).await["user"].clone());
    assert_ne!(changed.etag(), alice.etag());
    let request = json!({"id": alice.id(), "firstName": "Alice", "etag": changed.etag()});
    assert_eq!(stage.ok("UpdateUser", request).await["user"], changed.0, "also when nothing changes");
}

async fn another_etag_is_refused(stage: &Stage) {
    let (alice, bob) = (stage.create("alice").await, stage.create("bob").await);
    let changed = stage.change("DeactivateUser", &alice).await;
    let ahead = changed.etag().replacen('2', "3", 1);
    for (etag, refusal) in [
        (alice.etag(), "aborted ETAG_MISMATCH etag"),
        (&ahead, "aborted ETAG_MISMATCH etag"),
        (bob.etag(), "invalid_argument MALFORMED_ETAG etag"),
        ("1", "invalid_argument MALFORMED_ETAG etag"),
        ("\"*\"", "invalid_argument MALFORMED_ETAG etag"),
    ] {
        let request = json!({"id": alice.id(), "firstName": "Alice", "etag": etag});
        assert_eq!(stage.refused("UpdateUser", request).await, refusal, "{etag}");
    }
    assert_eq!((stage.get(&alice).await, stage.head().await), (changed, 3));
}

async fn every_write_honours_its_etag(stage: &Stage) {
    let alice = stage.create("alice").await;
    let now = stage.change("DeactivateUser", &alice).await;
    for (call, more) in [
        ("UpdateUser", json!({"firstName": "Alice"})),
        ("ChangePassword", json!({"oldPassword": PASSWORD, "newPassword": "another horse"})),
        ("SetPassword", json!({"password": "another horse"})),
        ("ActivateUser", json!({})),
        ("DeactivateUser", json!({})),
        ("SuspendUser", json!({"reason": "spam"})),
        ("ReinstateUser", json!({})),
        ("DeleteUser", json!({})),
        ("RestoreUser", json!({})),
        ("EraseUser", json!({})),
    ] {
        let mut request = more;
        request["id"] = json!(alice.id());
        request["etag"] = json!(alice.etag());
        assert_eq!(stage.refused(call, request).await, "aborted ETAG_MISMATCH etag", "{call}");
    }
    assert_eq!(stage.get(&alice).await, now);
}
