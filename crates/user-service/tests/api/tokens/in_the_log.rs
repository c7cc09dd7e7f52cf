//! Tokens are streams of the same log: auditors see them, and nobody takes one for a user.

use std::time::{Duration, Instant};

use eventstore::Deadline;
use insta::{allow_duplicates, assert_snapshot};
use serde_json::{Value, json};
use user_domain::Scope;
use user_service::doctor::examine;
use user_service::projections::LAYOUTS;
use user_service::vault::API_TOKEN;

use super::token;
use crate::stage::{Place, Stage, on_both_stores, post_with};

on_both_stores!(
    auditors_see_what_happened_to_tokens,
    nobody_takes_a_token_for_a_user,
    what_is_done_is_done_by_a_token,
    the_doctor_looks_at_tokens,
    an_older_release_may_go_on_writing,
);

/// Two tokens, one of them revoked, and a user between them.
async fn cast(stage: &Stage) -> [String; 2] {
    let first = token(&stage.service, "billing", &[Scope::Read, Scope::Write]).await.0;
    stage.create("alice").await;
    let second = token(&stage.service, "reports", &[Scope::Audit]).await.0;
    stage.service.tokens.revoke(first.parse().expect("it is one")).await.expect("it is there");
    [first, second]
}

fn told(event: &Value, ids: &[String; 2]) -> String {
    let [first, second] = ids;
    let id =
        |field: &str| event[field].as_str().unwrap_or("-").replace(first, "first").replace(second, "second");
    let changes = event["changes"].as_array().cloned().unwrap_or_default();
    let changes =
        changes.iter().map(|change| format!(" {}={}", change["field"], change["to"]).replace('"', ""));
    let user = if event["userId"].is_null() { "nobody" } else { "somebody" };
    let changes = if user == "nobody" { changes.collect() } else { String::new() };
    format!(
        "{} {} token {} {user} by {}{changes}\n",
        id("position"),
        id("type"),
        id("apiTokenId"),
        event["actor"].as_str().unwrap_or("-")
    )
}

async fn auditors_see_what_happened_to_tokens(stage: &Stage) {
    let ids = cast(stage).await;
    let listed = stage.ok("ListEvents", json!({"order": "EVENT_ORDER_OLDEST_FIRST"})).await;
    let events = listed["events"].as_array().expect("there are some");
    allow_duplicates! {
        assert_snapshot!(events.iter().map(|event| told(event, &ids)).collect::<String>(), @"
        1 api_token.created token first nobody by operator name=billing scopes=read write
        2 user.created token - somebody by anonymous
        3 api_token.created token second nobody by operator name=reports scopes=audit
        4 api_token.revoked token first nobody by operator
        ");
    }
    let of_type = json!({"filter": {"types": ["api_token.revoked"]}});
    let listed = stage.ok("ListEvents", of_type).await;
    assert_eq!(listed["events"][0]["apiTokenId"], json!(ids[0]));
    assert_eq!(listed["events"].as_array().map(Vec::len), Some(1));
}

async fn nobody_takes_a_token_for_a_user(stage: &Stage) {
    let ids = cast(stage).await;
    for id in &ids {
        for (call, request) in [
            ("GetUser", json!({"id": id})),
            ("GetUser", json!({"id": id, "version": "1"})),
            ("GetUser", json!({"id": id, "asOf": {"position": "4"}})),
            ("DeleteUser", json!({"id": id})),
            ("EraseUser", json!({"id": id})),
            ("ListUserEvents", json!({"id": id})),
            ("ExplainUser", json!({"id": id})),
            ("DiffUser", json!({"id": id, "from": {"position": "0"}})),
        ] {
            assert_eq!(stage.refused(call, request).await, "not_found USER_NOT_FOUND", "{call}");
        }
    }
    let directory = &stage.service.directory;
    let head = directory.store().head().await.unwrap().position;
    for layout in LAYOUTS {
        let soon = Deadline(Instant::now() + Duration::from_mins(1));
        directory.projections().reached(layout.name, head, soon).await.expect("nothing keeps it");
    }
    let status = directory.projections().status().await.unwrap();
    assert!(status.iter().all(|one| !format!("{one:?}").contains("parked_streams: 1")), "{status:?}");
    let users = stage.ok("ListUsers", json!({"asOf": {"position": head.to_string()}})).await;
    assert_eq!(users["users"].as_array().map(Vec::len), Some(1));
    assert!(users["parkedUsers"].is_null());
    let diff = stage.ok("DiffUsers", json!({"from": {"position": "0"}})).await;
    assert_eq!(diff["diffs"].as_array().map(Vec::len), Some(1));
    let activity = stage.ok("GetActivity", json!({"minPosition": head.to_string()})).await;
    assert_eq!(activity["events"].as_array().map(Vec::len), Some(1), "users' events are counted: {activity}");
    let report = examine(directory).await.unwrap();
    assert_eq!((report.findings.len(), report.users, report.events), (0, 1, head.0), "{report}");
}

async fn what_is_done_is_done_by_a_token(stage: &Stage) {
    let (id, shown) = token(&stage.service, "billing", &Scope::ALL).await;
    let (other_id, other) = token(&stage.service, "other", &Scope::ALL).await;
    let request_id = "0b5e0000-0000-4000-8000-000000000001";
    for (name, shown) in [("alice", &shown), ("bob", &other)] {
        // A request id is the caller's own: another's is another.
        let mut request = super::new_user(name);
        request["requestId"] = json!(request_id);
        let headers = [("authorization", &**shown)];
        let answer = post_with(stage.service.address, "CreateUser", &headers, &request.to_string()).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
    let listed = stage.ok("ListEvents", json!({"filter": {"types": ["user.created"]}})).await;
    let actors: Vec<_> =
        listed["events"].as_array().unwrap().iter().map(|event| event["actor"].clone()).collect();
    assert_eq!(actors, [json!(format!("token:{other_id}")), json!(format!("token:{id}"))]);
    let by_actor = json!({"filter": {"actor": format!("token:{id}")}});
    assert_eq!(stage.ok("ListEvents", by_actor).await["events"].as_array().map(Vec::len), Some(1));
}

async fn findings(stage: &Stage, ids: &[String; 2]) -> Vec<String> {
    let report = examine(&stage.service.directory).await.unwrap();
    let [first, second] = ids;
    report
        .findings
        .iter()
        .map(|one| one.to_string().replace(first, "first").replace(second, "second"))
        .collect()
}

async fn the_doctor_looks_at_tokens(stage: &Stage) {
    let ids = cast(stage).await;
    assert_eq!(findings(stage, &ids).await, [""; 0]);
    stage.place.damage("UPDATE api_token SET scopes = 'read write admin audit'").await;
    let differs = "token second: what the vault says of it is not what its events say";
    assert_eq!(findings(stage, &ids).await, [differs]);
    stage.place.damage("UPDATE api_token SET scopes = 'everything'").await;
    assert_eq!(findings(stage, &ids).await, [differs]);
    let first = match &stage.place {
        Place::Sqlite(_) => format!("X'{}'", ids[0].replace('-', "")),
        Place::Postgres(_) => format!("'{}'::uuid", ids[0]),
    };
    stage.place.damage(&format!("UPDATE api_token SET scopes = 'audit', token_id = {first}")).await;
    assert_eq!(
        findings(stage, &ids).await,
        [
            "token first: the vault admits it, and it was never created, or has been revoked",
            "token second: it lives, and the vault does not know it",
        ]
    );
    stage.place.damage("DELETE FROM api_token").await;
    stage.service.tokens.revoke(ids[1].parse().unwrap()).await.expect("one without a row can be revoked");
    assert_eq!(findings(stage, &ids).await, [""; 0]);
}

/// What it must find in the log is what it wrote itself.
async fn an_older_release_may_go_on_writing(stage: &Stage) {
    cast(stage).await;
    assert_eq!(API_TOKEN.generation, 0);
    let layout = stage.place.rows("SELECT layout FROM log_meta").await;
    assert_eq!(layout, [["user_read_model=1,user_secret=1"]]);
}
