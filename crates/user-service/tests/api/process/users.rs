//! `user-service users`: what a running service says about users, one JSON object a line.

use std::slice::from_ref;

use serde_json::{Value, json};

use super::{Running, user_service};
use crate::stage::{PASSWORD, Place, on_both_places};

on_both_places!(users_are_looked_at_from_the_command_line);

async fn asked(service: &Running, arguments: &[&str]) -> Vec<Value> {
    let api = format!("http://{}", service.address);
    let said = user_service(&[&["users", "--api", &api], arguments].concat(), &[]).await;
    assert_eq!((said.code, &*said.stderr), (Some(0), ""), "{arguments:?}");
    said.stdout.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
}

async fn users_are_looked_at_from_the_command_line(place: &Place) {
    let service = Running::serve(place).await;
    let create = json!({"email": "alice@example.org", "username": "alice", "password": PASSWORD});
    let alice = service.ok("CreateUser", create).await["user"].clone();
    let id = alice["id"].as_str().unwrap();
    let alix = service.ok("UpdateUser", json!({"id": id, "username": "alix"})).await["user"].clone();
    assert_eq!(asked(&service, &["get", id]).await, from_ref(&alix));
    assert_eq!(asked(&service, &["get", "--username", "ALIX"]).await, from_ref(&alix));
    assert_eq!(asked(&service, &["get", id, "--as-of", "1"]).await, from_ref(&alice));
    assert_eq!(asked(&service, &["get", id, "--at-version", "1"]).await, from_ref(&alice));
    let changes = json!([{"field": "username", "from": "alice", "to": "alix"}]);
    assert_eq!(asked(&service, &["diff", id, "--from", "1"]).await[0]["changes"], changes);
    let explained = asked(&service, &["explain", id]).await;
    let username = explained.iter().find(|field| field["field"] == "username").unwrap();
    assert_eq!((&username["value"], &username["before"]), (&json!("alix"), &json!("alice")));
    let created = alix["createdAt"].as_str().unwrap();
    for whom in [
        &["list"][..],
        &["list", "--username", "ALIX", "--status", "active"],
        &["list", "--query", "ALI", "--created-from", created, "--order-by", "email desc"],
    ] {
        let whom = [whom, &["--min-position", "2"]].concat();
        assert_eq!(asked(&service, &whom).await, from_ref(&alix), "{whom:?}");
    }
    let count = ["list", "--min-position", "2", "--count"];
    assert_eq!(asked(&service, &count).await, [json!(1)]);
    assert_eq!(asked(&service, &[&count[..], &["--created-until", created]].concat()).await, [json!(0)]);
    assert_eq!(asked(&service, &["list", "--as-of", "1", "--email", "alice@example.org"]).await, [alice]);
    assert_eq!(asked(&service, &["diff", "--from", "1"]).await[0]["changes"], changes);
    let nobody = "01890000-0000-7000-8000-000000000000";
    let api = format!("http://{}", service.address);
    let said = user_service(&["users", "--api", &api, "get", nobody], &[]).await;
    assert_eq!((said.code, &*said.stdout), (Some(1), ""));
    assert_eq!(said.stderr, "user-service: there is no such user (USER_NOT_FOUND)\n");
    service.stop().await;
    let said = user_service(&["users", "--api", &api, "list"], &[]).await;
    assert!(said.stderr.starts_with("user-service: no service answers on 127.0.0.1:"), "{}", said.stderr);
}
