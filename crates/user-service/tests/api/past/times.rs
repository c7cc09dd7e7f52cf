//! The past by time: what a calendar says, with a clock that a test moves.

use serde_json::json;
use user_service::feed::FeedLimits;
use user_service::store::StoreOptions;

use crate::stage::{Dial, PASSWORD, Place, Service, on_both_places, seeded};

on_both_places!(a_time_names_everything_that_was_recorded_by_then, who_was_active_on_the_third_of_may);

async fn service(place: &Place) -> (Service, Dial) {
    let dial = Dial::new();
    let options = StoreOptions { clock: Some(dial.clock()), ..place.options() };
    (Service::start_on(options, seeded(1), FeedLimits::default()).await, dial)
}

/// Midnight of a day. Somebody says that the clock is right.
fn set(service: &Service, dial: &Dial, day: &str) {
    dial.set(&format!("{day}T00:00:00Z"));
    service.directory.store().accept_clock();
}

async fn a_time_names_everything_that_was_recorded_by_then(place: &Place) {
    let (service, dial) = service(place).await;
    let request = json!({"email": "alice@example.org", "username": "alice", "password": PASSWORD});
    let id = service.ok("CreateUser", request).await["user"]["id"].clone();
    for (day, name) in [("2026-04-01", "april"), ("2026-05-01", "may"), ("2026-06-01", "june")] {
        set(&service, &dial, day);
        service.ok("UpdateUser", json!({"id": id, "firstName": name})).await;
    }
    let named = async |time: &str| {
        let found = service.ok("GetUser", json!({"id": id, "asOf": {"time": time}})).await;
        found["user"]["firstName"].as_str().unwrap_or_default().to_owned()
    };
    for (time, name) in [
        ("2026-01-01T00:00:00Z", ""),
        ("2026-03-31T23:59:59.999999Z", ""),
        ("2026-04-01T00:00:00Z", "april"),
        ("2026-05-03T12:00:00Z", "may"),
        ("2026-06-01T01:00:00+01:00", "june"),
    ] {
        assert_eq!(named(time).await, name, "{time}");
    }
    for (time, told) in [
        ("2025-12-31T23:59:59Z", "not_found USER_NOT_YET_CREATED"),
        ("0001-01-01T00:00:00Z", "not_found USER_NOT_YET_CREATED"),
        ("2026-06-02T00:00:00Z", "out_of_range POSITION_NOT_REACHED as_of"),
    ] {
        assert_eq!(service.refused("GetUser", json!({"id": id, "asOf": {"time": time}})).await, told);
    }
    service.stop().await;
}

async fn who_was_active_on_the_third_of_may(place: &Place) {
    let (service, dial) = service(place).await;
    let create = async |name: &str| {
        let request = json!({"email": format!("{name}@example.org"), "username": name, "password": PASSWORD});
        service.ok("CreateUser", request).await["user"]["id"].clone()
    };
    let (alice, bob) = (create("alice").await, create("bob").await);
    set(&service, &dial, "2026-05-01");
    service.ok("DeactivateUser", json!({"id": alice})).await;
    set(&service, &dial, "2026-05-02");
    let moved = json!({"id": bob, "email": "robert@example.org"});
    service.ok("UpdateUser", moved).await;
    set(&service, &dial, "2026-05-04");
    service.ok("ActivateUser", json!({"id": alice})).await;
    service.ok("SuspendUser", json!({"id": bob, "reason": "spam"})).await;
    create("carol").await;
    let names = async |day: &str, status: &str| {
        let filter = json!({"statuses": [format!("USER_STATUS_{status}")]});
        let moment = json!({"time": format!("{day}T12:00:00Z")});
        let page = service.ok("ListUsers", json!({"asOf": moment, "filter": filter})).await;
        let users = page["users"].as_array().cloned().unwrap_or_default();
        let names: Vec<_> = users.iter().map(|user| user["username"].as_str().unwrap().to_owned()).collect();
        names.join(" ")
    };
    assert_eq!(names("2026-04-30", "ACTIVE").await, "bob alice");
    assert_eq!(names("2026-05-03", "ACTIVE").await, "bob");
    assert_eq!(names("2026-05-03", "INACTIVE").await, "alice");
    assert_eq!(names("2026-05-03", "SUSPENDED").await, "");
    let owner = json!({"email": "bob@example.org", "asOf": {"time": "2026-05-01T12:00:00Z"}});
    assert_eq!(service.ok("GetUser", owner).await["user"]["id"], bob);
    let owner = json!({"email": "bob@example.org", "asOf": {"time": "2026-05-03T12:00:00Z"}});
    assert_eq!(service.refused("GetUser", owner).await, "not_found USER_NOT_FOUND");
    service.stop().await;
}
