//! Of whom the history could not take everything is missing from it, or is shown as she was before: each answer says so.

use std::time::{Duration, Instant};

use eventstore::{Deadline, EventFilter};
use serde_json::{Value, json};
use user_service::feed::{Mark, Start, Told};

use crate::stage::{Place, Stage, on_both_stores};

on_both_stores!(whoever_is_parked_is_told_beside_what_is_shown);

/// As if the history could not have taken the first event.
async fn park(stage: &Stage, id: &str) {
    let (id, time) = match &stage.place {
        Place::Sqlite(_) => (format!("X'{}'", id.replace('-', "")), "0"),
        Place::Postgres(_) => (format!("'{id}'"), "now()"),
    };
    let park = format!(
        "INSERT INTO parked_events (projection, number, position, aggregate_id, version, cause, parked_at) \
         SELECT name, number, 1, {id}, 1, 'unknown type', {time} FROM projections \
         WHERE name = 'user_history' AND slot = 'live'"
    );
    stage.place.damage(&park).await;
}

async fn whoever_is_parked_is_told_beside_what_is_shown(stage: &Stage) {
    let alice = stage.create("alice").await;
    stage.create("bob").await;
    let at = json!({"position": "2"});
    let questions = [
        ("ListUsers", json!({"asOf": at})),
        ("ListUsers", json!({"asOf": at, "filter": {"email": "alice@example.org"}})),
        ("DiffUsers", json!({"from": {"position": "1"}, "to": at})),
    ];
    for parked in [Value::Null, json!("1")] {
        for (call, question) in &questions {
            let told = stage.ok(call, question.clone()).await;
            assert_eq!(told["parkedUsers"], parked, "{call} {question}");
        }
        if parked.is_null() {
            park(stage, alice.id()).await;
        }
    }
    let today = stage.ok("ListUsers", json!({})).await;
    assert_eq!(today["parkedUsers"], Value::Null, "nothing of it is projected");
    let soon = Deadline(Instant::now() + Duration::from_mins(1));
    let copy = stage.service.feeds.subscribe(Start::Snapshot, EventFilter::default(), soon).await;
    let mut copy = copy.unwrap();
    loop {
        let step = copy.next().await.unwrap();
        assert_eq!(step.parked_users, 1, "{step:?}");
        if matches!(step.told, Told::Mark(Mark::SnapshotComplete)) {
            break;
        }
    }
    stage.change("DeactivateUser", &alice).await;
    assert_eq!(copy.next().await.unwrap().parked_users, 0, "her events are told");
}
