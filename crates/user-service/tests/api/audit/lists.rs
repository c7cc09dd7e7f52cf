//! Lists of events: every filter gives what a naive one gives, in both orders and in pages of any size.

use serde_json::{Value, json};

use super::{ALFRED, BERTHA, all, create, everything};
use crate::stage::{Place, Service, Stage, on_both_places, seeded};

on_both_places!(
    every_filter_gives_what_a_naive_one_gives,
    pages_of_every_size_make_the_whole,
    what_happens_meanwhile_moves_no_page,
);

mod on_a_stage {
    use super::{
        a_token_is_good_for_its_own_question_only, an_event_that_cannot_be_read_hides_no_other,
        what_is_no_filter_is_refused,
    };

    crate::stage::on_both_stores!(
        a_token_is_good_for_its_own_question_only,
        an_event_that_cannot_be_read_hides_no_other,
        what_is_no_filter_is_refused,
    );
}

/// Three users, what happened to them, and who did it.
async fn cast(place: &Place) -> (Service, [String; 3]) {
    let service = Service::start_trusting(place, seeded(1)).await;
    let ids = [
        create(&service, &ALFRED, "alice").await,
        create(&service, &BERTHA, "bob").await,
        create(&service, &[], "carol").await,
    ];
    for (n, headers) in [&ALFRED[..], &BERTHA, &[], &ALFRED].into_iter().enumerate() {
        for id in &ids {
            let name = json!({"id": id, "firstName": format!("N{n}")});
            service.ok_with("UpdateUser", headers, name).await;
            let call = if n % 2 == 0 { "DeactivateUser" } else { "ActivateUser" };
            service.ok_with(call, headers, json!({"id": id})).await;
        }
    }
    (service, ids)
}

/// One filter of each kind, or none, in every combination.
fn filters(ids: &[String; 3], events: &[Value]) -> Vec<Value> {
    let time = |n: usize| Some(events[n]["time"].clone());
    let kinds: [(&str, Vec<Option<Value>>); 6] = [
        (
            "types",
            vec![None, Some(json!(["user.created"])), Some(json!(["user.activated", "user.deactivated"]))],
        ),
        ("userIds", vec![None, Some(json!([ids[0]])), Some(json!([ids[1], ids[2]]))]),
        ("actor", vec![None, Some(json!("svc:alfred")), Some(json!("nobody"))]),
        ("correlationId", vec![None, Some(json!(BERTHA[1].1))]),
        ("fromTime", vec![None, time(6)]),
        ("untilTime", vec![None, time(20)]),
    ];
    kinds.into_iter().fold(vec![json!({})], |filters, (field, values)| {
        let with = |filter: &Value, value: Option<Value>| {
            let mut filter = filter.clone();
            if let Some(value) = value {
                filter[field] = value;
            }
            filter
        };
        filters.iter().flat_map(|filter| values.iter().map(|value| with(filter, value.clone()))).collect()
    })
}

/// What the filter says, word by word. Times have the same form everywhere, so they compare as text of one length.
fn wanted(filter: &Value, event: &Value) -> bool {
    let among = |field: &str, value: &Value| {
        filter.get(field).is_none_or(|values| values.as_array().unwrap().contains(value))
    };
    let is = |field: &str| filter.get(field).is_none_or(|value| *value == event[field]);
    let time = |value: &Value| value.as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    among("types", &event["type"])
        && among("userIds", &event["userId"])
        && is("actor")
        && is("correlationId")
        && filter.get("fromTime").is_none_or(|from| time(&event["time"]) >= time(from))
        && filter.get("untilTime").is_none_or(|until| time(&event["time"]) < time(until))
}

async fn every_filter_gives_what_a_naive_one_gives(place: &Place) {
    let (service, ids) = cast(place).await;
    let events = everything(&service).await;
    assert_eq!(events.len(), 27);
    for filter in filters(&ids, &events) {
        let naive: Vec<Value> = events.iter().filter(|event| wanted(&filter, event)).cloned().collect();
        let backwards: Vec<Value> = naive.iter().rev().cloned().collect();
        for (order, naive) in [("OLDEST_FIRST", &naive), ("NEWEST_FIRST", &backwards)] {
            let mut request =
                json!({"filter": filter, "order": format!("EVENT_ORDER_{order}"), "pageSize": 100});
            assert_eq!(all(&service, "ListEvents", request.clone()).await, *naive, "{request}");
            if filter.get("userIds").is_none() {
                request["id"] = json!(ids[0]);
                let hers: Vec<Value> =
                    naive.iter().filter(|event| event["userId"] == ids[0].as_str()).cloned().collect();
                assert_eq!(all(&service, "ListUserEvents", request.clone()).await, hers, "{request}");
            }
        }
    }
    let usual = [json!({}), json!({"filter": {}})];
    for request in usual {
        let mut listed = all(&service, "ListEvents", request).await;
        listed.reverse();
        assert_eq!(listed, events, "newest first unless asked otherwise");
    }
    service.stop().await;
}

async fn pages_of_every_size_make_the_whole(place: &Place) {
    let (service, ids) = cast(place).await;
    let filters = [json!({}), json!({"types": ["user.profile_updated"]}), json!({"actor": "svc:alfred"})];
    for call in ["ListEvents", "ListUserEvents"] {
        for (filter, order) in filters.iter().flat_map(|filter| [(filter, 1), (filter, 2)]) {
            let mut request = json!({"filter": filter, "order": order, "pageSize": 200});
            if call == "ListUserEvents" {
                request["id"] = json!(ids[1]);
            }
            let whole = all(&service, call, request.clone()).await;
            assert!(!whole.is_empty());
            for size in 1..=whole.len() + 1 {
                request["pageSize"] = json!(size);
                assert_eq!(all(&service, call, request.clone()).await, whole, "{call} {request}");
            }
        }
    }
    service.stop().await;
}

async fn what_happens_meanwhile_moves_no_page(place: &Place) {
    let (service, ids) = cast(place).await;
    let events = everything(&service).await;
    let first = service.ok("ListEvents", json!({"pageSize": 20})).await;
    service.ok("DeleteUser", json!({"id": ids[0]})).await;
    let rest = json!({"pageSize": 20, "pageToken": first["nextPageToken"]});
    let rest = all(&service, "ListEvents", rest).await;
    let mut listed = [first["events"].as_array().unwrap().clone(), rest].concat();
    listed.reverse();
    assert_eq!(listed, events, "nothing is shown twice, and nothing is left out");
    service.stop().await;
}

async fn a_token_is_good_for_its_own_question_only(stage: &Stage) {
    let alice = stage.create("alice").await;
    let bob = stage.create("bob").await;
    for user in [&alice, &bob] {
        for call in ["DeactivateUser", "ActivateUser"] {
            stage.change(call, user).await;
        }
    }
    let asked = json!({"pageSize": 1, "order": 1, "filter": {"types": ["user.created", "user.activated"]}});
    let token = stage.ok("ListEvents", asked.clone()).await["nextPageToken"].clone();
    let with = |field: &str, value: Value| {
        let mut request = asked.clone();
        request["pageToken"] = token.clone();
        request[field] = value;
        request
    };
    stage.ok("ListEvents", with("pageSize", json!(2))).await;
    for other in [
        with("order", json!(2)),
        with("filter", json!({})),
        with("filter", json!({"types": ["user.created"]})),
        with("filter", json!({"types": ["user.created", "user.activated"], "actor": "anonymous"})),
    ] {
        let refused = stage.refused("ListEvents", other.clone()).await;
        assert_eq!(refused, "invalid_argument BAD_PAGE_TOKEN page_token", "{other}");
    }
    let hers = json!({"id": alice.id(), "pageSize": 1});
    let token = stage.ok("ListUserEvents", hers).await["nextPageToken"].clone();
    for other in [
        json!({"id": bob.id(), "pageToken": token}),
        json!({"id": alice.id(), "pageToken": token, "order": 2}),
        json!({"id": alice.id(), "pageToken": token, "filter": {"actor": "anonymous"}}),
    ] {
        let refused = stage.refused("ListUserEvents", other.clone()).await;
        assert_eq!(refused, "invalid_argument BAD_PAGE_TOKEN page_token", "{other}");
    }
    let elsewhere = json!({"pageToken": token});
    assert_eq!(stage.refused("ListEvents", elsewhere).await, "invalid_argument BAD_PAGE_TOKEN page_token");
}

async fn an_event_that_cannot_be_read_hides_no_other(stage: &Stage) {
    let alice = stage.create("alice").await;
    for call in ["DeactivateUser", "ActivateUser"] {
        stage.change(call, &alice).await;
    }
    stage.place.damage("UPDATE events SET data = '{}' WHERE position = 2").await;
    for events in [
        everything(&stage.service).await,
        all(&stage.service, "ListUserEvents", json!({"id": alice.id()})).await,
    ] {
        let unreadable: Vec<bool> = events.iter().map(|event| event["unreadable"] == json!(true)).collect();
        assert_eq!(unreadable, [false, true, false]);
        assert_eq!((&events[1]["type"], &events[1]["userId"]), (&json!("user.deactivated"), &alice.0["id"]));
        assert_eq!((&events[1]["actor"], events[1].get("changes")), (&json!("anonymous"), None));
    }
}

async fn what_is_no_filter_is_refused(stage: &Stage) {
    let alice = stage.create("alice").await;
    let many = |n: usize, value: &str| json!(vec![value; n]);
    for (filter, refused) in [
        (json!({"types": ["user.teleported"]}), "UNKNOWN_EVENT_TYPE filter.types"),
        (json!({"types": many(51, "user.created")}), "TOO_MANY_TYPES filter.types"),
        (json!({"userIds": ["alice"]}), "MALFORMED_UUID filter.user_ids"),
        (json!({"userIds": many(101, alice.id())}), "TOO_MANY_USERS filter.user_ids"),
        (json!({"correlationId": "1"}), "MALFORMED_UUID filter.correlation_id"),
        (
            json!({"fromTime": "2026-01-02T00:00:00Z", "untilTime": "2026-01-02T00:00:00Z"}),
            "EMPTY_PERIOD filter.until_time",
        ),
    ] {
        let request = json!({"filter": filter});
        assert_eq!(stage.refused("ListEvents", request).await, format!("invalid_argument {refused}"));
    }
    assert_eq!(
        stage.refused("ListEvents", json!({"order": 7})).await,
        "invalid_argument UNKNOWN_ORDER order"
    );
    let of_many = json!({"id": alice.id(), "filter": {"userIds": [alice.id()]}});
    assert_eq!(
        stage.refused("ListUserEvents", of_many).await,
        "invalid_argument NOT_FOR_ONE_USER filter.user_ids"
    );
}
