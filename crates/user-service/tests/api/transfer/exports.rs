//! `ExportUsers`: everybody as she was at one moment, however it is cut and whatever is written meanwhile.

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use user_api::v1;
use user_domain::Status;
use user_service::queries::{ExportError, Exports, UserExport, UserExportQuestion};

use super::{import, row};
use crate::stage::{Stage, on_both_stores};

on_both_stores!(
    an_export_is_everybody_at_one_moment,
    an_export_shows_what_was_there_when_it_began,
    an_export_is_taken_up_behind_any_part,
    whoever_is_erased_is_in_no_part_that_follows,
    exports_of_users_end_when_the_service_stops,
    an_export_of_nobody_has_one_part,
);

async fn export(stage: &Stage, request: Value) -> Vec<v1::ExportUsersResponse> {
    let request: v1::ExportUsersRequest = serde_json::from_value(request).unwrap();
    let mut stream = stage.service.grpc().await.export_users(request).await.unwrap();
    let mut parts = Vec::new();
    while let Some(part) = stream.message().await.unwrap() {
        parts.push(part.to_owned_message());
    }
    assert!(stream.error().is_none(), "{:?}", stream.error());
    parts
}

fn users(parts: &[v1::ExportUsersResponse]) -> Vec<Value> {
    parts.iter().flat_map(|part| &part.users).map(|user| serde_json::to_value(user).unwrap()).collect()
}

fn names(parts: &[v1::ExportUsersResponse]) -> Vec<&str> {
    parts.iter().flat_map(|part| &part.users).map(|user| user.username.as_str()).collect()
}

async fn everybody(stage: &Stage, count: u64) {
    let answer = import(&stage.service, (1..=count).map(|n| row(n, &format!("user{n}"))).collect()).await;
    assert_eq!(u64::from(answer.created), count);
}

async fn an_export_is_everybody_at_one_moment(stage: &Stage) {
    let [alice, bob] = [stage.create("alice").await, stage.create("bob").await];
    let (carol, dora) = (stage.create("carol").await, stage.create("dora").await);
    let alice = stage.change("SuspendUser", &alice).await;
    let bob = stage.change("DeleteUser", &bob).await;
    stage.change("DeleteUser", &carol).await;
    stage.change("EraseUser", &carol).await;
    let head = stage.head().await;
    let usual = export(stage, json!({})).await;
    assert_eq!(users(&usual), [alice.0.clone(), dora.0.clone()]);
    let part = &usual[0];
    assert_eq!((part.position, part.users_told, part.last, part.parked_users), (head, 2, true, 0));
    let deleted = export(stage, json!({"statuses": ["USER_STATUS_DELETED"]})).await;
    assert_eq!(users(&deleted), [bob.0]);
    let earlier = export(stage, json!({"asOf": {"position": "4"}})).await;
    assert_eq!(
        (names(&earlier), earlier[0].position),
        (vec!["alice", "bob", "dora"], 4),
        "the erased is gone"
    );
}

async fn an_export_shows_what_was_there_when_it_began(stage: &Stage) {
    everybody(stage, 1200).await;
    let mut stream =
        stage.service.grpc().await.export_users(v1::ExportUsersRequest::default()).await.unwrap();
    let mut parts = vec![stream.message().await.unwrap().unwrap().to_owned_message()];
    let newcomer = stage.create("newcomer").await;
    let last = json!({"username": "user1200"});
    let last = stage.ok("GetUser", last).await["user"]["id"].clone();
    stage.ok("UpdateUser", json!({"id": last, "username": "somebody.else"})).await;
    while let Some(part) = stream.message().await.unwrap() {
        parts.push(part.to_owned_message());
    }
    let told: Vec<_> = parts.iter().map(|part| (part.users_told, part.position, part.last)).collect();
    assert_eq!(told, [(500, 1200, false), (1000, 1200, false), (1200, 1200, true)]);
    let names = names(&parts);
    assert!(names.contains(&"user1200") && !names.contains(&newcomer.text("username")));
    assert_eq!(names.len(), 1200);
}

async fn an_export_is_taken_up_behind_any_part(stage: &Stage) {
    everybody(stage, 1200).await;
    let whole = export(stage, json!({})).await;
    stage.create("newcomer").await;
    for (n, part) in whole.iter().enumerate() {
        let rest = export(stage, json!({"resumeToken": part.resume_token})).await;
        assert_eq!([users(&whole[..=n]), users(&rest)].concat(), users(&whole));
        assert!(rest.iter().all(|part| part.position == 1200));
    }
}

fn question() -> UserExportQuestion {
    UserExportQuestion { moment: None, statuses: vec![Status::Active], binding: Vec::new() }
}

async fn begun(stage: &Stage, stop: CancellationToken) -> UserExport {
    let exports = Exports::new(stage.service.directory.clone(), stop);
    let patience = std::time::Instant::now() + std::time::Duration::from_secs(20);
    exports.begin_users(question(), "", eventstore::Deadline(patience)).await.unwrap()
}

async fn whoever_is_erased_is_in_no_part_that_follows(stage: &Stage) {
    everybody(stage, 600).await;
    let mut export = begun(stage, CancellationToken::new()).await;
    let first = export.next().await.unwrap().unwrap();
    let user = json!({"username": "user600"});
    let id = json!({"id": stage.ok("GetUser", user).await["user"]["id"]});
    stage.ok("DeleteUser", id.clone()).await;
    stage.ok("EraseUser", id).await;
    let second = export.next().await.unwrap().unwrap();
    assert_eq!((first.users.len(), second.users.len(), second.last), (500, 99, true));
    assert!(export.next().await.unwrap().is_none());
}

async fn exports_of_users_end_when_the_service_stops(stage: &Stage) {
    stage.create("alice").await;
    let stop = CancellationToken::new();
    let mut export = begun(stage, stop.clone()).await;
    stop.cancel();
    assert!(matches!(export.next().await, Err(ExportError::Stopping)));
}

async fn an_export_of_nobody_has_one_part(stage: &Stage) {
    let parts = export(stage, json!({})).await;
    assert_eq!((parts.len(), parts[0].users.len(), parts[0].position, parts[0].last), (1, 0, 0, true));
}
