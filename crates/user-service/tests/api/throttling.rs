//! Attempts at passwords: counted per user and per caller, whoever she is, and never locked out for good.

use serde_json::{Value, json};
use tokio::task::JoinSet;
use user_service::Sources;
use user_service::vault::{count_failure, forget_attempts};

use crate::stage::{Dial, PASSWORD, Place, Service, User, get, on_both_places, post, refusal_of};

on_both_places!(
    of_many_at_once_five_get_through,
    whoever_is_asked_for_waits_alike,
    waits_double_up_to_five_minutes_and_a_right_password_ends_them,
    a_window_outlives_a_restart_and_is_forgotten_after_an_hour,
    the_old_password_is_guessed_no_faster,
    whoever_is_named_in_three_ways_is_one,
    a_caller_who_tries_many_names_waits_too,
);

const FREE: usize = 5;

/// A service whose clock is set by the test.
async fn set(place: &Place, dial: &Dial) -> Service {
    let random = |bytes: &mut [u8]| getrandom::fill(bytes).expect("there is some");
    Service::start(place, Sources::new(random, dial.clock())).await
}

async fn create(service: &Service, name: &str) -> User {
    let request = json!({"email": format!("{name}@example.org"), "username": name, "password": PASSWORD});
    User(service.ok("CreateUser", request).await["user"].clone())
}

fn after(seconds: u64) -> String {
    format!("2026-01-01T{:02}:{:02}:{:02}Z", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

fn wrong(by: &str, whom: &str) -> Value {
    json!({by: whom, "password": "wrong horse"})
}

/// An answer in a word: what it says, or how long to wait.
async fn answer(service: &Service, call: &str, request: Value) -> String {
    let answer = service.post(call, &request).await;
    if answer.status == 200 {
        return if answer.body["valid"] == json!(true) { "right" } else { "wrong" }.to_owned();
    }
    let refusal = refusal_of(&answer.body);
    if refusal != "resource_exhausted TOO_MANY_ATTEMPTS" {
        return refusal;
    }
    let details = answer.body["details"].as_array().unwrap().clone();
    let retry = details.iter().find(|detail| detail["type"] == "google.rpc.RetryInfo").unwrap();
    retry["debug"]["retryDelay"].as_str().unwrap().to_owned()
}

async fn attempt(service: &Service, request: Value) -> String {
    answer(service, "VerifyPassword", request).await
}

/// Uses up what is free.
async fn exhaust(service: &Service, request: &Value) {
    for _ in 0..FREE {
        assert_eq!(attempt(service, request.clone()).await, "wrong", "{request}");
    }
}

async fn of_many_at_once_five_get_through(place: &Place) {
    let service = set(place, &Dial::new()).await;
    let alice = create(&service, "alice").await;
    for request in [wrong("id", alice.id()), wrong("email", "nobody@example.org")] {
        let mut attempts = JoinSet::new();
        for _ in 0..64 {
            let (address, body) = (service.address, request.to_string());
            attempts.spawn(async move { post(address, "VerifyPassword", &body).await.status });
        }
        let answered = attempts.join_all().await.into_iter().filter(|status| *status == 200).count();
        assert_eq!(answered, FREE, "{request}");
    }
    let (_, metrics) = get(service.operations, "/metrics").await;
    assert!(metrics.contains("user_service_password_throttled_attempts_total{by=\"user\"} 118"), "{metrics}");
    service.stop().await;
}

async fn whoever_is_asked_for_waits_alike(place: &Place) {
    let service = set(place, &Dial::new()).await;
    let bob = create(&service, "bob").await;
    let disabled = create(&service, "disabled-one").await;
    service.ok("SuspendUser", json!({"id": disabled.id(), "reason": "spam"})).await;
    let right = json!({"id": disabled.id(), "password": PASSWORD});
    let nobody = "01890000-0000-7000-8000-000000000000";
    for request in [wrong("id", bob.id()), right, wrong("id", nobody), wrong("username", "nobody-here")] {
        exhaust(&service, &request).await;
        assert_eq!(attempt(&service, request.clone()).await, "1s", "{request}");
    }
    assert_eq!(
        attempt(&service, json!({"id": bob.id(), "password": PASSWORD})).await,
        "1s",
        "also a right one"
    );
    service.stop().await;
}

async fn waits_double_up_to_five_minutes_and_a_right_password_ends_them(place: &Place) {
    let dial = Dial::new();
    let service = set(place, &dial).await;
    let alice = create(&service, "alice").await;
    let request = wrong("id", alice.id());
    exhaust(&service, &request).await;
    let mut now = 0;
    for wait in [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300] {
        assert_eq!(attempt(&service, request.clone()).await, format!("{wait}s"));
        dial.set(&after(now + wait - 1));
        assert_eq!(attempt(&service, request.clone()).await, "1s", "asking does not make it longer");
        now += wait;
        dial.set(&after(now));
        assert_eq!(attempt(&service, request.clone()).await, "wrong");
    }
    dial.set(&after(now + 300));
    let right = json!({"id": alice.id(), "password": PASSWORD});
    assert_eq!(attempt(&service, right).await, "right");
    exhaust(&service, &request).await;
    service.stop().await;
}

async fn a_window_outlives_a_restart_and_is_forgotten_after_an_hour(place: &Place) {
    let dial = Dial::new();
    let service = set(place, &dial).await;
    let alice = create(&service, "alice").await;
    let request = wrong("id", alice.id());
    exhaust(&service, &request).await;
    service.stop().await;
    let service = set(place, &dial).await;
    assert_eq!(attempt(&service, request.clone()).await, "1s");
    let rows = "SELECT failures FROM password_attempts ORDER BY failures";
    assert_eq!(place.rows(rows).await, [["5"], ["5"]], "hers and the caller's");
    dial.set(&after(3600));
    let (directory, now) = (&service.directory, service.directory.sources().now());
    assert_eq!(forget_attempts(directory.store(), now).await.unwrap(), 2);
    exhaust(&service, &request).await;
    dial.set(&after(2 * 3600));
    exhaust(&service, &request).await;
    dial.set("2025-01-01T00:00:00Z");
    assert_eq!(attempt(&service, request).await, "wrong", "a clock that was ahead locks nobody out");
    service.stop().await;
}

async fn the_old_password_is_guessed_no_faster(place: &Place) {
    let service = set(place, &Dial::new()).await;
    let alice = create(&service, "alice").await;
    let change = |old: &str| json!({"id": alice.id(), "oldPassword": old, "newPassword": "another horse"});
    for _ in 0..FREE - 1 {
        let refusal = answer(&service, "ChangePassword", change("wrong horse")).await;
        assert_eq!(refusal, "permission_denied WRONG_PASSWORD old_password");
    }
    assert_eq!(attempt(&service, wrong("username", "alice")).await, "wrong");
    assert_eq!(answer(&service, "ChangePassword", change(PASSWORD)).await, "1s");
    assert_eq!(attempt(&service, wrong("username", "alice")).await, "1s");
    service.stop().await;
}

async fn whoever_is_named_in_three_ways_is_one(place: &Place) {
    let service = set(place, &Dial::new()).await;
    let alice = create(&service, "alice").await;
    let requests = [wrong("id", alice.id()), wrong("email", "ALICE@example.org"), wrong("username", "Alice")];
    for request in requests.iter().cycle().take(FREE) {
        assert_eq!(attempt(&service, request.clone()).await, "wrong");
    }
    for request in requests {
        assert_eq!(attempt(&service, request).await, "1s");
    }
    service.stop().await;
}

async fn a_caller_who_tries_many_names_waits_too(place: &Place) {
    let dial = Dial::new();
    let service = set(place, &dial).await;
    let directory = &service.directory;
    let caller = directory.root().attempt_key(&[b"caller", b"anonymous", b"127.0.0.1"]);
    for _ in 0..99 {
        count_failure(directory.store(), caller, directory.sources().now()).await.unwrap();
    }
    assert_eq!(attempt(&service, wrong("username", "first")).await, "wrong");
    dial.set(&after(20));
    assert_eq!(attempt(&service, wrong("username", "second")).await, "40s");
    dial.set(&after(60));
    assert_eq!(attempt(&service, wrong("username", "second")).await, "wrong");
    service.stop().await;
}
