//! What a dashboard shows: events by day, users by status, domains; erased users counted and not known.

use serde_json::{Value, json};

use crate::stage::{Stage, on_both_stores};

on_both_stores!(
    figures_tell_what_happened,
    days_before_anything_happened_are_empty_and_later_ones_as_the_last,
    an_erased_user_is_counted_and_her_domain_is_not,
    the_domains_with_most_users_come_first,
    a_range_that_makes_no_sense_is_refused,
);

async fn activity(stage: &Stage, mut request: Value) -> Value {
    request["minPosition"] = json!(stage.head().await.to_string());
    stage.ok("GetActivity", request).await
}

async fn create(stage: &Stage, name: &str, email: &str) -> Value {
    let request = json!({"email": email, "username": name, "password": "correct horse"});
    stage.ok("CreateUser", request).await["user"].clone()
}

const NEW_YEAR: &str = "2026-01-01";

fn of_new_year() -> Value {
    json!({"fromDay": NEW_YEAR, "untilDay": NEW_YEAR})
}

async fn figures_tell_what_happened(stage: &Stage) {
    let alice = stage.create("alice").await;
    let bob = stage.create("bob").await;
    stage.change("DeactivateUser", &alice).await;
    stage.change("DeleteUser", &bob).await;
    stage.create("carol").await;
    let shown = activity(stage, of_new_year()).await;
    assert_eq!(
        shown,
        json!({
            "events": [
                {"day": NEW_YEAR, "type": "user.created", "events": "3"},
                {"day": NEW_YEAR, "type": "user.deactivated", "events": "1"},
                {"day": NEW_YEAR, "type": "user.deleted", "events": "1"},
            ],
            "users": [{"day": NEW_YEAR, "active": "1", "inactive": "1", "deleted": "1"}],
            "domains": [{"domain": "example.org", "users": "2"}],
            "position": "5",
        })
    );
}

async fn days_before_anything_happened_are_empty_and_later_ones_as_the_last(stage: &Stage) {
    stage.create("alice").await;
    let shown = activity(stage, json!({"fromDay": "2025-12-31", "untilDay": "2026-01-02"})).await;
    assert_eq!(
        shown["users"],
        json!([
            {"day": "2025-12-31"},
            {"day": "2026-01-01", "active": "1"},
            {"day": "2026-01-02", "active": "1"},
        ])
    );
    let later = activity(stage, json!({"fromDay": "2027-01-01", "untilDay": "2027-01-01"})).await;
    assert_eq!(later["users"], json!([{"day": "2027-01-01", "active": "1"}]));
    assert_eq!(later["events"], Value::Null);
    let usual = activity(stage, json!({})).await;
    let days: Vec<_> = usual["users"].as_array().unwrap().iter().map(|day| &day["day"]).collect();
    assert_eq!((days.len(), days[0], days[30]), (31, &json!("2025-12-02"), &json!(NEW_YEAR)));
}

async fn an_erased_user_is_counted_and_her_domain_is_not(stage: &Stage) {
    let alice = stage.create("alice").await;
    stage.change("DeleteUser", &alice).await;
    stage.change("EraseUser", &alice).await;
    let shown = activity(stage, of_new_year()).await;
    assert_eq!(shown["users"], json!([{"day": NEW_YEAR, "erased": "1"}]));
    assert_eq!(shown["domains"], Value::Null);
    let types: Vec<_> = shown["events"].as_array().unwrap().iter().map(|entry| &entry["type"]).collect();
    assert_eq!(types, ["user.created", "user.deleted", "user.erased"]);
}

async fn the_domains_with_most_users_come_first(stage: &Stage) {
    for (name, email) in [
        ("a", "a@one.org"),
        ("b", "b@two.org"),
        ("c", "c@TWO.org"),
        ("d", "d@three.org"),
        ("e", "e@three.org"),
        ("f", "f@three.org"),
    ] {
        create(stage, name, email).await;
    }
    let mut request = of_new_year();
    request["domainsMax"] = json!(2);
    let shown = activity(stage, request).await;
    let most = json!([{"domain": "three.org", "users": "3"}, {"domain": "two.org", "users": "2"}]);
    assert_eq!(shown["domains"], most);
}

async fn a_range_that_makes_no_sense_is_refused(stage: &Stage) {
    for (request, refusal) in [
        (json!({"fromDay": "yesterday"}), "invalid_argument MALFORMED_DAY from_day"),
        (json!({"untilDay": "2026-1-1"}), "invalid_argument MALFORMED_DAY until_day"),
        (json!({"untilDay": "2026-02-30"}), "invalid_argument MALFORMED_DAY until_day"),
        (
            json!({"fromDay": "2026-01-02", "untilDay": "2026-01-01"}),
            "invalid_argument DAYS_REVERSED from_day",
        ),
        (json!({"fromDay": "2024-12-30", "untilDay": NEW_YEAR}), "invalid_argument TOO_MANY_DAYS from_day"),
        (json!({"domainsMax": -1}), "invalid_argument NEGATIVE_DOMAINS_MAX domains_max"),
        (json!({"minPosition": "1"}), "out_of_range POSITION_NOT_REACHED"),
    ] {
        assert_eq!(stage.refused("GetActivity", request.clone()).await, refusal, "{request}");
    }
    stage.ok("GetActivity", json!({"fromDay": "2024-12-31", "untilDay": NEW_YEAR})).await;
}
