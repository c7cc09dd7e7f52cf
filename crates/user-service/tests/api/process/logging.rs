//! What the process logs of calls: a line for each, of which nothing is the caller's own words but an id.

use serde_json::{Value, json};

use super::Running;
use crate::stage::{MASTER_KEY, PASSWORD, Place, on_both_places, post_with};

on_both_places!(each_call_is_one_line_of_the_log);

const REQUEST: &str = "0b5e0000-0000-4000-8000-000000000001";

async fn each_call_is_one_line_of_the_log(place: &Place) {
    let key = [("USER_SERVICE_MASTER_KEY", MASTER_KEY)];
    let service = Running::serve_with(place, &["--log-format", "json"], &key).await;
    let alice =
        json!({"email": "canary@example.org", "username": "canary", "password": PASSWORD}).to_string();
    for (call, request_id, body) in [
        ("CreateUser", REQUEST, &*alice),
        ("CreateUser", "canary", &alice),
        ("GetUser", REQUEST, r#"{"username": "canary"}"#),
        ("GetUser", REQUEST, r#"{"id": "canary"}"#),
        ("canary", REQUEST, "{}"),
    ] {
        post_with(service.address, call, &[("x-request-id", request_id)], body).await;
    }
    let said = service.stop().await.stderr;
    assert!(!said.contains("canary"), "{said}");
    let lines = said.lines().map(|line| serde_json::from_str::<Value>(line).expect("each line is an object"));
    let calls: Vec<_> = lines.filter(|line| line["target"] == "calls").collect();
    assert!(calls.iter().all(|line| line["seconds"].is_f64() && line["level"] == "INFO"), "{calls:?}");
    let told = |field: &str, line: &Value| line[field].as_str().map(ToOwned::to_owned);
    let told: Vec<_> = calls
        .iter()
        .map(|line| {
            [told("method", line), told("code", line), told("request_id", line)]
                .map(Option::unwrap_or_default)
        })
        .collect();
    assert_eq!(
        told,
        [
            ["CreateUser", "ok", REQUEST],
            ["CreateUser", "already_exists", ""],
            ["GetUser", "ok", REQUEST],
            ["GetUser", "invalid_argument", REQUEST],
            ["other", "unimplemented", REQUEST],
        ]
    );
}
