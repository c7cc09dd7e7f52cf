//! States and commands over the wire: where each call leads, and with which code and reason it is refused.

use std::fmt::Write as _;

use insta::{allow_duplicates, assert_snapshot};
use serde_json::{Value, json};

use crate::stage::{PASSWORD, Stage, User, on_both_stores};

on_both_stores!(states_by_calls, restoring_and_reinstating_bring_back_the_status_before);

const STATES: [&str; 6] = ["absent", "active", "inactive", "suspended", "deleted", "erased"];

/// A user in a state, fresh, so that no call meets the traces of another.
async fn in_state(stage: &Stage, wanted: &str, name: &str) -> String {
    if wanted == "absent" {
        return "01890000-0000-7000-8000-000000000000".to_owned();
    }
    let user = stage.create(name).await;
    let calls: &[&str] = match wanted {
        "inactive" => &["DeactivateUser"],
        "suspended" => &["SuspendUser"],
        "deleted" => &["DeleteUser"],
        "erased" => &["DeleteUser", "EraseUser"],
        _ => &[],
    };
    for call in calls {
        stage.change(call, &user).await;
    }
    user.id().to_owned()
}

fn request(call: &str, id: &str) -> Value {
    match call {
        "UpdateUser" => json!({"id": id, "firstName": "Alice"}),
        "ChangePassword" => json!({"id": id, "oldPassword": PASSWORD, "newPassword": "another horse"}),
        "SetPassword" => json!({"id": id, "password": "another horse"}),
        "SuspendUser" => json!({"id": id, "reason": "spam"}),
        _ => json!({"id": id}),
    }
}

/// The status after a call and whether it added an event, or the refusal.
async fn outcome(stage: &Stage, call: &str, id: &str) -> String {
    let head = stage.head().await;
    let answer = stage.service.post(call, &request(call, id)).await;
    let events = stage.head().await - head;
    if answer.status != 200 {
        assert_eq!(events, 0, "what is refused has no effect");
        return crate::stage::refusal_of(&answer.body);
    }
    let status = User(answer.body["user"].clone()).status().to_lowercase();
    if events == 0 { format!("{status} (unchanged)") } else { status }
}

async fn states_by_calls(stage: &Stage) {
    let calls = [
        "UpdateUser",
        "ChangePassword",
        "SetPassword",
        "ActivateUser",
        "DeactivateUser",
        "SuspendUser",
        "ReinstateUser",
        "DeleteUser",
        "RestoreUser",
        "EraseUser",
    ];
    let mut table = String::new();
    for call in calls {
        writeln!(table, "{call}").unwrap();
        for state in STATES {
            let id = in_state(stage, state, &format!("{call}.{state}")).await;
            writeln!(table, "  {state:9} -> {}", outcome(stage, call, &id).await).unwrap();
        }
    }
    allow_duplicates! {
        assert_snapshot!(table, @r#"
    UpdateUser
      absent    -> not_found USER_NOT_FOUND
      active    -> active
      inactive  -> inactive
      suspended -> suspended
      deleted   -> failed_precondition USER_DELETED
      erased    -> not_found USER_ERASED
    ChangePassword
      absent    -> not_found USER_NOT_FOUND
      active    -> active
      inactive  -> failed_precondition USER_NOT_ACTIVE
      suspended -> failed_precondition USER_NOT_ACTIVE
      deleted   -> failed_precondition USER_DELETED
      erased    -> not_found USER_ERASED
    SetPassword
      absent    -> not_found USER_NOT_FOUND
      active    -> active
      inactive  -> inactive
      suspended -> suspended
      deleted   -> failed_precondition USER_DELETED
      erased    -> not_found USER_ERASED
    ActivateUser
      absent    -> not_found USER_NOT_FOUND
      active    -> active (unchanged)
      inactive  -> active
      suspended -> failed_precondition USER_SUSPENDED
      deleted   -> failed_precondition USER_DELETED
      erased    -> not_found USER_ERASED
    DeactivateUser
      absent    -> not_found USER_NOT_FOUND
      active    -> inactive
      inactive  -> inactive (unchanged)
      suspended -> failed_precondition USER_SUSPENDED
      deleted   -> failed_precondition USER_DELETED
      erased    -> not_found USER_ERASED
    SuspendUser
      absent    -> not_found USER_NOT_FOUND
      active    -> suspended
      inactive  -> suspended
      suspended -> suspended (unchanged)
      deleted   -> failed_precondition USER_DELETED
      erased    -> not_found USER_ERASED
    ReinstateUser
      absent    -> not_found USER_NOT_FOUND
      active    -> active (unchanged)
      inactive  -> inactive (unchanged)
      suspended -> active
      deleted   -> failed_precondition USER_DELETED
      erased    -> not_found USER_ERASED
    DeleteUser
      absent    -> not_found USER_NOT_FOUND
      active    -> deleted
      inactive  -> deleted
      suspended -> deleted
      deleted   -> deleted (unchanged)
      erased    -> not_found USER_ERASED
    RestoreUser
      absent    -> not_found USER_NOT_FOUND
      active    -> active (unchanged)
      inactive  -> inactive (unchanged)
      suspended -> suspended (unchanged)
      deleted   -> active
      erased    -> not_found USER_ERASED
    EraseUser
      absent    -> not_found USER_NOT_FOUND
      active    -> failed_precondition USER_NOT_DELETED
      inactive  -> failed_precondition USER_NOT_DELETED
      suspended -> failed_precondition USER_NOT_DELETED
      deleted   -> erased
      erased    -> erased (unchanged)
    "#)
    }
}

async fn restoring_and_reinstating_bring_back_the_status_before(stage: &Stage) {
    let alice = stage.create("alice").await;
    for (call, status) in [
        ("DeactivateUser", "INACTIVE"),
        ("SuspendUser", "SUSPENDED"),
        ("DeleteUser", "DELETED"),
        ("RestoreUser", "SUSPENDED"),
        ("ReinstateUser", "INACTIVE"),
        ("DeleteUser", "DELETED"),
        ("RestoreUser", "INACTIVE"),
        ("ActivateUser", "ACTIVE"),
    ] {
        let after = stage.change(call, &alice).await;
        assert_eq!((after.status(), stage.get(&alice).await), (status, after.clone()), "{call}");
        assert_eq!(after.0.get("deletedAt").is_some(), status == "DELETED", "{call}");
    }
}
