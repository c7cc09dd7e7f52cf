//! However it ends, what was acknowledged is there when it starts again.

use serde_json::{Value, json};

use super::Running;
use crate::stage::{PASSWORD, Place, on_both_places};

on_both_places!(what_was_acknowledged_outlives_the_process);

async fn create(service: &Running, name: &str) -> Value {
    let request = json!({"email": format!("{name}@example.org"), "username": name, "password": PASSWORD});
    service.ok("CreateUser", request).await["user"].clone()
}

async fn what_was_acknowledged_outlives_the_process(place: &Place) {
    let service = Running::serve(place).await;
    let alice = create(&service, "alice").await;
    let stopped = service.stop().await;
    assert_eq!(stopped.code, Some(0), "{}", stopped.stderr);
    let service = Running::serve(place).await;
    assert_eq!(service.ok("GetUser", json!({"username": "alice"})).await["user"], alice);
    let bob = create(&service, "bob").await;
    assert_eq!(service.kill().await.code, None);
    let service = Running::serve(place).await;
    let listed = service.ok("ListUsers", json!({})).await;
    assert_eq!((&listed["users"], &listed["position"]), (&json!([bob, alice]), &json!("2")));
    let valid = service.ok("VerifyPassword", json!({"username": "bob", "password": PASSWORD})).await;
    assert_eq!(valid["valid"], json!(true));
    assert_eq!(create(&service, "carol").await["username"], "carol");
    assert_eq!(service.stop().await.code, Some(0));
}
