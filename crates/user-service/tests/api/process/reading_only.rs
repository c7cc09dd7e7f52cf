//! An instance that only reads, beside one that writes.

use serde_json::{Value, json};

use super::{Running, user_service};
use crate::stage::{
    Cluster, MASTER_KEY, PASSWORD, Place, Replay, get, on_both_places, post, post_with, refusal_of,
};

on_both_places!(
    what_others_write_is_read_and_nothing_is_written,
    a_position_that_is_still_on_its_way_is_waited_for,
);

const KEY: (&str, &str) = ("USER_SERVICE_MASTER_KEY", MASTER_KEY);

/// One that writes, and one that does not.
async fn two(place: &Place) -> [Running; 2] {
    let writer = Running::serve(place).await;
    [writer, Running::serve_with(place, &["--read-only"], &[KEY]).await]
}

async fn create(service: &Running, name: &str) -> Value {
    let request = json!({"email": format!("{name}@example.org"), "username": name, "password": PASSWORD});
    service.ok("CreateUser", request).await
}

async fn refusal(service: &Running, call: &str, request: Value) -> String {
    refusal_of(&post(service.address, call, &request.to_string()).await.body)
}

async fn what_others_write_is_read_and_nothing_is_written(place: &Place) {
    let [writer, reader] = two(place).await;
    assert!(reader.announced.contains("reads only"), "{}", reader.announced);
    let created = create(&writer, "alice").await;
    let id = created["user"]["id"].clone();
    for (call, request) in [
        ("GetUser", json!({"email": "alice@example.org"})),
        ("ListUsers", json!({"filter": {"query": "LIC"}, "minPosition": created["position"]})),
        ("ListUserEvents", json!({"id": id})),
        ("ExplainUser", json!({"id": id})),
    ] {
        assert_eq!(reader.ok(call, request.clone()).await, writer.ok(call, request).await, "{call}");
    }
    for (call, request) in [
        ("CreateUser", json!({"email": "bob@example.org", "username": "bob", "password": PASSWORD})),
        ("UpdateUser", json!({"id": id, "firstName": "Alice"})),
        ("SuspendUser", json!({"id": id, "reason": "spam"})),
        ("SetPassword", json!({"id": id, "newPassword": PASSWORD})),
        ("VerifyPassword", json!({"id": id, "password": PASSWORD})),
    ] {
        assert_eq!(refusal(&reader, call, request).await, "failed_precondition READ_ONLY", "{call}");
    }
    assert_eq!(writer.ok("ListUserEvents", json!({"id": id})).await["events"].as_array().unwrap().len(), 1);
    let (head, body) = get(reader.operations, "/readyz").await;
    assert!(head.contains(" 200 "), "{head}{body}");
    assert_eq!(reader.stop().await.code, Some(0));
    assert_eq!(writer.stop().await.code, Some(0));
}

async fn a_position_that_is_still_on_its_way_is_waited_for(place: &Place) {
    let [writer, reader] = two(place).await;
    let id = create(&writer, "alice").await["user"]["id"].clone();
    let question = json!({"id": id, "minPosition": "2"});
    let patience = [("connect-timeout-ms", "200")];
    let early = post_with(reader.address, "GetUser", &patience, &question.to_string()).await;
    assert!(refusal_of(&early.body).starts_with("deadline_exceeded REPLICA_BEHIND"), "{}", early.body);
    assert!(
        refusal_of(&post(writer.address, "GetUser", &question.to_string()).await.body)
            .starts_with("out_of_range")
    );
    let (waiting, text) = (reader.address, question.to_string());
    let waits = tokio::spawn(async move { post(waiting, "GetUser", &text).await });
    // She is asked already, or not yet: both end the same.
    writer.ok("UpdateUser", json!({"id": id, "firstName": "Alice"})).await;
    let answer = waits.await.unwrap();
    assert_eq!((answer.status, &answer.body["user"]["firstName"]), (200, &json!("Alice")), "{}", answer.body);
    reader.stop().await;
    writer.stop().await;
}

/// A real one: nothing can be written there, whoever tries, and nobody can listen.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_streaming_replica_serves_reads() {
    let cluster = Cluster::new().await;
    let writer = Running::serve_url(&cluster.primary, &[], &[KEY]).await;
    let alice = create(&writer, "alice").await;
    let reader = loop {
        // The first service has made what a replica needs, which is on its way.
        let doctor = ["doctor", "--store", &cluster.replica];
        if user_service(&doctor, &[KEY]).await.code == Some(0) {
            break Running::serve_url(&cluster.replica, &["--read-only"], &[KEY]).await;
        }
    };
    let question = json!({"filter": {"query": "LIC"}, "minPosition": alice["position"]});
    assert_eq!(reader.ok("ListUsers", question.clone()).await, writer.ok("ListUsers", question).await);
    assert_eq!(
        refusal(&reader, "DeleteUser", json!({"id": alice["user"]["id"]})).await,
        "failed_precondition READ_ONLY"
    );

    cluster.replay(Replay::Pause).await;
    let bob = create(&writer, "bob").await;
    let question = json!({"username": "bob", "minPosition": bob["position"]});
    let patience = [("connect-timeout-ms", "300")];
    let early = post_with(reader.address, "GetUser", &patience, &question.to_string()).await;
    assert!(refusal_of(&early.body).starts_with("deadline_exceeded REPLICA_BEHIND"), "{}", early.body);
    let (_, metrics) = get(reader.operations, "/metrics").await;
    let lag = metrics.lines().find_map(|line| line.strip_prefix("user_service_store_replay_lag_seconds "));
    assert!(lag.unwrap().parse::<f64>().unwrap() > 0.0, "{lag:?}");
    let (waiting, text) = (reader.address, question.to_string());
    let waits = tokio::spawn(async move { post(waiting, "GetUser", &text).await });
    cluster.replay(Replay::Resume).await;
    assert_eq!(waits.await.unwrap().body["user"], bob["user"]);
    assert_eq!(reader.stop().await.code, Some(0));
    writer.stop().await;
}
