//! What callers say about themselves is believed where that is configured, sealed where it is personal, and gone with her.

use std::fs;

use serde_json::{Value, json};

use super::{create, everything};
use crate::stage::{Header, Place, Service, on_both_places, post_with, refusal_of, seeded};
use crate::stage::{PASSWORD, Stage};

mod on_a_stage {
    use super::what_callers_say_is_ignored_unless_they_are_trusted;

    crate::stage::on_both_stores!(what_callers_say_is_ignored_unless_they_are_trusted);
}

on_both_places!(
    what_trusted_callers_say_stands_beside_every_event,
    where_a_request_came_from_is_sealed_and_goes_with_the_user,
    a_request_id_is_its_actors_own,
);

const ID: [&str; 3] = [
    "0b5e0000-0000-4000-8000-000000000001",
    "0b5e0000-0000-4000-8000-000000000002",
    "0b5e0000-0000-4000-8000-000000000003",
];

const SAID: [Header<'static>; 6] = [
    ("x-actor-id", "svc:billing"),
    ("x-request-id", ID[0]),
    ("x-correlation-id", ID[1]),
    ("x-causation-id", ID[2]),
    ("x-forwarded-for", "203.0.113.77, 10.0.0.1"),
    ("x-user-agent", "Canaria/5.0 (canary)"),
];

/// What an event says about its request.
fn about(event: &Value) -> Value {
    let fields = ["actor", "requestId", "correlationId", "causationId", "sourceAddress", "userAgent"];
    fields.map(|field| event[field].clone()).into()
}

async fn what_callers_say_is_ignored_unless_they_are_trusted(stage: &Stage) {
    let headers = [&SAID[..], &[("user-agent", "curl/8.5"), ("x-actor-id", "not an id")]].concat();
    create(&stage.service, &headers, "alice").await;
    let events = everything(&stage.service).await;
    assert_eq!(about(&events[0]), json!(["anonymous", null, null, null, "127.0.0.1", "curl/8.5"]));
}

async fn what_trusted_callers_say_stands_beside_every_event(place: &Place) {
    let service = Service::start_trusting(place, seeded(1)).await;
    let id = create(&service, &SAID, "alice").await;
    let update = json!({"id": id, "email": "alix@example.org", "firstName": "Alix", "requestId": ID[2]});
    service.ok_with("UpdateUser", &SAID, update).await;
    service.ok_with("DeactivateUser", &[("user-agent", "curl/8.5")], json!({"id": id})).await;
    let trace = ("traceparent", "00-0b5e000000004000800000000000000a-00f067aa0ba902b7-01");
    service.ok_with("ActivateUser", &[trace], json!({"id": id})).await;
    let events = everything(&service).await;
    let said =
        |request: &str| json!(["svc:billing", request, ID[1], ID[2], "203.0.113.77", "Canaria/5.0 (canary)"]);
    assert_eq!(about(&events[0]), said(ID[0]));
    assert_eq!([about(&events[1]), about(&events[2])], [said(ID[2]), said(ID[2])], "her own id goes first");
    assert_eq!(about(&events[3]), json!(["anonymous", null, null, null, "127.0.0.1", "curl/8.5"]));
    assert_eq!(events[4]["correlationId"], "0b5e0000-0000-4000-8000-00000000000a");
    let answer = post_with(service.address, "GetUser", &[("x-actor-id", "Alice Liddell")], "{}").await;
    assert_eq!(refusal_of(&answer.body), "invalid_argument MALFORMED_ACTOR x-actor-id");
    assert_eq!(events[4]["type"], "user.activated", "an event without a personal part has an origin too");
    service.stop().await;
}

/// Every byte that the store keeps of events, as text.
async fn stored(place: &Place) -> String {
    let rows = place.rows("SELECT * FROM events").await.concat().join(" ");
    let Place::Sqlite(folder) = place else { return rows };
    let files = fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().path());
    let files = files.filter(|file| file.is_file());
    files.fold(rows, |text, file| text + &String::from_utf8_lossy(&fs::read(file).unwrap()))
}

async fn where_a_request_came_from_is_sealed_and_goes_with_the_user(place: &Place) {
    let service = Service::start_trusting(place, seeded(1)).await;
    let id = create(&service, &SAID, "alice").await;
    for call in ["DeactivateUser", "DeleteUser"] {
        service.ok_with(call, &SAID, json!({"id": id})).await;
    }
    let before = everything(&service).await;
    assert!(before.iter().all(|event| event["sourceAddress"] == "203.0.113.77"));
    let raw = stored(place).await;
    for personal in ["203.0.113.77", "Canaria", "3230332e302e3131332e3737", "43616e61726961"] {
        assert!(!raw.contains(personal), "{personal} stands in the store");
    }
    service.ok_with("EraseUser", &SAID, json!({"id": id})).await;
    let after = everything(&service).await;
    assert_eq!(after.len(), 4);
    for event in &after {
        assert_eq!(event.get("sourceAddress").or(event.get("userAgent")).or(event.get("unreadable")), None);
        assert_eq!(event["actor"], "svc:billing", "who did it stays");
    }
    let status = json!([{"field": "status", "from": "active", "to": "inactive"}]);
    assert_eq!(after[1]["changes"], status, "what was open stays readable");
    service.stop().await;
}

async fn a_request_id_is_its_actors_own(place: &Place) {
    let service = Service::start_trusting(place, seeded(1)).await;
    let request = |name: &str| json!({"email": format!("{name}@example.org"), "username": name, "password": PASSWORD, "requestId": ID[0]});
    let as_actor = |actor| [("x-actor-id", actor)];
    let alice = service.ok_with("CreateUser", &as_actor("one"), request("alice")).await;
    let bob = service.ok_with("CreateUser", &as_actor("two"), request("bob")).await;
    assert_eq!(bob["user"]["username"], "bob", "another actor's id is another id");
    let again = service.ok_with("CreateUser", &as_actor("one"), request("alice")).await;
    assert_eq!((&again["replayed"], &again["user"]), (&json!(true), &alice["user"]));
    let answer =
        post_with(service.address, "CreateUser", &as_actor("two"), &request("carol").to_string()).await;
    assert_eq!(refusal_of(&answer.body), "invalid_argument REQUEST_ID_REUSED request_id");
    let header = [("x-request-id", ID[1])];
    for name in ["dora", "emma"] {
        create(&service, &header, name).await;
    }
    assert_eq!(everything(&service).await.len(), 4, "an id in a header makes nothing execute once");
    service.stop().await;
}
