//! Deleting reserves, erasing frees: what becomes of e-mail, username and id.

use serde_json::json;

use crate::stage::{PASSWORD, Stage, on_both_stores};

on_both_stores!(
    a_deleted_user_keeps_her_address_and_her_name,
    an_erased_user_frees_both,
    an_erased_user_is_not_found,
    an_address_that_was_given_up_is_free,
);

async fn a_deleted_user_keeps_her_address_and_her_name(stage: &Stage) {
    let (alice, bob) = (stage.create("alice").await, stage.create("bob").await);
    stage.change("DeleteUser", &alice).await;
    let taken = json!({"email": "ALICE@example.org", "username": "other", "password": PASSWORD});
    assert_eq!(stage.refused("CreateUser", taken).await, "already_exists EMAIL_TAKEN email");
    let taken = json!({"email": "other@example.org", "username": "Alice", "password": PASSWORD});
    assert_eq!(stage.refused("CreateUser", taken).await, "already_exists USERNAME_TAKEN username");
    let taken = json!({"id": bob.id(), "email": "alice@example.org"});
    assert_eq!(stage.refused("UpdateUser", taken).await, "already_exists EMAIL_TAKEN email");
    let found = stage.ok("GetUser", json!({"email": "alice@example.org"})).await;
    assert_eq!(found["user"]["status"], "USER_STATUS_DELETED");
    let restored = stage.change("RestoreUser", &alice).await;
    assert_eq!(restored.text("email"), "alice@example.org");
}

async fn an_erased_user_frees_both(stage: &Stage) {
    let alice = stage.create("alice").await;
    stage.change("DeleteUser", &alice).await;
    stage.change("EraseUser", &alice).await;
    let again = stage.create("alice").await;
    assert_ne!(again.id(), alice.id());
    assert_eq!(stage.ok("GetUser", json!({"username": "alice"})).await["user"], again.0);
    assert_eq!(stage.change("EraseUser", &alice).await.status(), "ERASED", "saying it again changes nothing");
    assert_eq!(stage.get(&again).await, again);
}

async fn an_erased_user_is_not_found(stage: &Stage) {
    let alice = stage.create("alice").await;
    stage.change("DeleteUser", &alice).await;
    let erased = stage.change("EraseUser", &alice).await;
    for field in ["email", "username", "firstName", "lastName", "avatarUrl"] {
        assert_eq!(erased.0.get(field), None, "{field}");
    }
    for by in [json!({"id": alice.id()}), json!({"email": "alice@example.org"}), json!({"username": "alice"})]
    {
        assert_eq!(stage.refused("GetUser", by).await, "not_found USER_NOT_FOUND");
    }
    for table in ["user_read_model", "user_secret", "claims"] {
        assert!(stage.place.rows(&format!("SELECT * FROM {table}")).await.is_empty(), "{table}");
    }
}

async fn an_address_that_was_given_up_is_free(stage: &Stage) {
    let alice = stage.create("alice").await;
    let request = json!({"id": alice.id(), "email": "alix@example.org", "username": "alix"});
    stage.ok("UpdateUser", request).await;
    let other = stage.create("alice").await;
    assert_eq!(stage.ok("GetUser", json!({"email": "alice@example.org"})).await["user"], other.0);
    let back = json!({"id": alice.id(), "username": "alice"});
    assert_eq!(stage.refused("UpdateUser", back).await, "already_exists USERNAME_TAKEN username");
}
