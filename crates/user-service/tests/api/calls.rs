//! Every call once, as it is meant: what goes in, and everything that comes out.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use insta::{allow_duplicates, assert_snapshot};
use serde_json::{Value, json};
use user_api::oneof::get_user_request;
use user_api::v1;

use crate::stage::{PASSWORD, Stage, on_both_stores};

on_both_stores!(an_answer_is_plain_json, a_user_lives_through_every_call, grpc_says_what_json_says);

async fn an_answer_is_plain_json(stage: &Stage) {
    let request = json!({
        "email": "Alice@Example.org", "username": "Alice", "password": PASSWORD,
        "firstName": "Alice", "lastName": "Liddell", "avatarUrl": "https://example.org/alice.png",
    });
    let answer = stage.ok("CreateUser", request).await;
    allow_duplicates! {
        assert_snapshot!(serde_json::to_string_pretty(&answer).unwrap(), @r#"
    {
      "user": {
        "id": "019b76da-a800-7585-a712-0fbbe785a83d",
        "email": "Alice@example.org",
        "username": "Alice",
        "firstName": "Alice",
        "lastName": "Liddell",
        "avatarUrl": "https://example.org/alice.png",
        "status": "USER_STATUS_ACTIVE",
        "createdAt": "2026-01-01T00:00:00Z",
        "updatedAt": "2026-01-01T00:00:00Z",
        "etag": "1-e785a83d"
      },
      "position": "1"
    }
    "#)
    }
}

/// One after the other on one user; of each answer what the answer before did not say.
#[expect(clippy::too_many_lines, reason = "what is long is the answers, and they are the test")]
async fn a_user_lives_through_every_call(stage: &Stage) {
    let alice = stage.create("alice").await;
    let id = alice.id();
    let calls = [
        ("GetUser", json!({"id": id})),
        ("ListUsers", json!({})),
        ("UpdateUser", json!({"id": id, "email": "alice@example.com", "firstName": "Alice"})),
        ("ChangePassword", json!({"id": id, "oldPassword": PASSWORD, "newPassword": "another horse"})),
        ("SetPassword", json!({"id": id, "password": "a third horse"})),
        ("VerifyPassword", json!({"username": "alice", "password": "a third horse"})),
        ("DeactivateUser", json!({"id": id})),
        ("ActivateUser", json!({"id": id})),
        ("SuspendUser", json!({"id": id, "reason": "spam"})),
        ("ReinstateUser", json!({"id": id})),
        ("DeleteUser", json!({"id": id})),
        ("RestoreUser", json!({"id": id})),
        ("DeleteUser", json!({"id": id})),
        ("EraseUser", json!({"id": id})),
        ("ListUserEvents", json!({"id": id, "pageSize": 1})),
    ];
    let (mut told, mut before) = (String::new(), BTreeMap::new());
    for (call, request) in calls {
        let answer = lines(&stage.ok(call, request).await);
        writeln!(told, "{call}").unwrap();
        for (field, value) in answer.iter().filter(|(field, value)| before.get(*field) != Some(*value)) {
            writeln!(told, "  {field}: {value}").unwrap();
        }
        before = answer;
    }
    allow_duplicates! {
        assert_snapshot!(told, @r#"
    GetUser
      position: "1"
      user.createdAt: "2026-01-01T00:00:00Z"
      user.email: "alice@example.org"
      user.etag: "1-e785a83d"
      user.id: "019b76da-a800-7585-a712-0fbbe785a83d"
      user.status: "USER_STATUS_ACTIVE"
      user.updatedAt: "2026-01-01T00:00:00Z"
      user.username: "alice"
    ListUsers
      users.0.createdAt: "2026-01-01T00:00:00Z"
      users.0.email: "alice@example.org"
      users.0.etag: "1-e785a83d"
      users.0.id: "019b76da-a800-7585-a712-0fbbe785a83d"
      users.0.status: "USER_STATUS_ACTIVE"
      users.0.updatedAt: "2026-01-01T00:00:00Z"
      users.0.username: "alice"
    UpdateUser
      position: "3"
      user.createdAt: "2026-01-01T00:00:00Z"
      user.email: "alice@example.com"
      user.etag: "3-e785a83d"
      user.firstName: "Alice"
      user.id: "019b76da-a800-7585-a712-0fbbe785a83d"
      user.status: "USER_STATUS_ACTIVE"
      user.updatedAt: "2026-01-01T00:00:00.000001Z"
      user.username: "alice"
    ChangePassword
      position: "4"
      user.etag: "4-e785a83d"
      user.updatedAt: "2026-01-01T00:00:00.000002Z"
    SetPassword
      position: "5"
      user.etag: "5-e785a83d"
      user.updatedAt: "2026-01-01T00:00:00.000003Z"
    VerifyPassword
      userId: "019b76da-a800-7585-a712-0fbbe785a83d"
      valid: true
    DeactivateUser
      position: "6"
      user.createdAt: "2026-01-01T00:00:00Z"
      user.email: "alice@example.com"
      user.etag: "6-e785a83d"
      user.firstName: "Alice"
      user.id: "019b76da-a800-7585-a712-0fbbe785a83d"
      user.status: "USER_STATUS_INACTIVE"
      user.updatedAt: "2026-01-01T00:00:00.000004Z"
      user.username: "alice"
    ActivateUser
      position: "7"
      user.etag: "7-e785a83d"
      user.status: "USER_STATUS_ACTIVE"
      user.updatedAt: "2026-01-01T00:00:00.000005Z"
    SuspendUser
      position: "8"
      user.etag: "8-e785a83d"
      user.status: "USER_STATUS_SUSPENDED"
      user.updatedAt: "2026-01-01T00:00:00.000006Z"
    ReinstateUser
      position: "9"
      user.etag: "9-e785a83d"
      user.status: "USER_STATUS_ACTIVE"
      user.updatedAt: "2026-01-01T00:00:00.000007Z"
    DeleteUser
      position: "10"
      user.deletedAt: "2026-01-01T00:00:00.000008Z"
      user.etag: "a-e785a83d"
      user.status: "USER_STATUS_DELETED"
      user.updatedAt: "2026-01-01T00:00:00.000008Z"
    RestoreUser
      position: "11"
      user.etag: "b-e785a83d"
      user.status: "USER_STATUS_ACTIVE"
      user.updatedAt: "2026-01-01T00:00:00.000009Z"
    DeleteUser
      position: "12"
      user.deletedAt: "2026-01-01T00:00:00.000010Z"
      user.etag: "c-e785a83d"
      user.status: "USER_STATUS_DELETED"
      user.updatedAt: "2026-01-01T00:00:00.000010Z"
    EraseUser
      position: "13"
      user.deletedAt: "2026-01-01T00:00:00.000011Z"
      user.etag: "d-e785a83d"
      user.status: "USER_STATUS_ERASED"
      user.updatedAt: "2026-01-01T00:00:00.000011Z"
    ListUserEvents
      events.0.actor: "anonymous"
      events.0.changes.0.erased: true
      events.0.changes.0.field: "email"
      events.0.changes.1.erased: true
      events.0.changes.1.field: "username"
      events.0.changes.2.erased: true
      events.0.changes.2.field: "first_name"
      events.0.changes.3.erased: true
      events.0.changes.3.field: "last_name"
      events.0.changes.4.erased: true
      events.0.changes.4.field: "avatar_url"
      events.0.changes.5.field: "status"
      events.0.changes.5.to: "active"
      events.0.changes.6.field: "credential"
      events.0.changes.6.to: "1 argon2id"
      events.0.eventId: "019b76da-a801-71aa-ab57-dad0bad0ee89"
      events.0.position: "1"
      events.0.time: "2026-01-01T00:00:00Z"
      events.0.type: "user.created"
      events.0.userId: "019b76da-a800-7585-a712-0fbbe785a83d"
      events.0.version: "1"
      nextPageToken: "AAAAAAAAAAF26b7CKhUKYOAtcHWnUCoK"
    "#)
    }
}

async fn grpc_says_what_json_says(stage: &Stage) {
    let alice = stage.create("alice").await;
    let client = stage.service.grpc().await;
    let by = Some(get_user_request::By::Email("ALICE@example.org".to_owned()));
    let request = v1::GetUserRequest { by, min_position: Some(1), ..Default::default() };
    let answer = client.get_user(request).await.unwrap().into_owned();
    assert_eq!(serde_json::to_value(&answer).unwrap()["user"], alice.0);
    let by = Some(get_user_request::By::Username("nobody".to_owned()));
    let error = client.get_user(v1::GetUserRequest { by, ..Default::default() }).await.unwrap_err();
    let types: Vec<_> = error.details.iter().map(|detail| detail.type_url.as_str()).collect();
    assert_eq!(error.code, connectrpc::ErrorCode::NotFound);
    assert_eq!(types, ["type.googleapis.com/google.rpc.ErrorInfo"]);
}

/// Every value with the path to it.
fn lines(value: &Value) -> BTreeMap<String, String> {
    let mut lines = BTreeMap::new();
    flatten("", value, &mut lines);
    lines
}

fn flatten(path: &str, value: &Value, lines: &mut BTreeMap<String, String>) {
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, value)| flatten(&below(name), value, lines)),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(n, value)| flatten(&below(&n.to_string()), value, lines));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            lines.insert(path.to_owned(), value.to_string());
        }
    }
}
