//! `user-service users`: what a running service says about users and does to them.

use std::fs;
use std::path::Path;
use std::slice::from_ref;

use serde_json::{Value, json};

use super::{Running, Said, user_service};
use crate::stage::{PASSWORD, Place, on_both_places};

on_both_places!(
    users_are_looked_at_from_the_command_line,
    users_are_changed_from_the_command_line,
    people_get_tables,
);

async fn users(service: &Running, arguments: &[&str]) -> Said {
    let api = format!("http://{}", service.address);
    user_service(&[&["users", "--api", &api], arguments].concat(), &[]).await
}

async fn asked(service: &Running, arguments: &[&str]) -> Vec<Value> {
    let said = users(service, &[arguments, &["--json"]].concat()).await;
    assert_eq!((said.code, &*said.stderr), (Some(0), ""), "{arguments:?}");
    said.stdout.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
}

/// A file with a secret in it.
fn secret(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    fs::write(&path, text).expect("the folder is ours");
    path.to_str().expect("it is text").to_owned()
}

async fn users_are_looked_at_from_the_command_line(place: &Place) {
    let service = Running::serve(place).await;
    let create = json!({"email": "alice@example.org", "username": "alice", "password": PASSWORD});
    let alice = service.ok("CreateUser", create).await["user"].clone();
    let id = &*alice["id"].as_str().unwrap().to_owned();
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
    assert_eq!(asked(&service, &["batch-get", id]).await, [alix]);
    assert_eq!(asked(&service, &["list", "--as-of", "1", "--email", "alice@example.org"]).await, [alice]);
    assert_eq!(asked(&service, &["diff", "--from", "1"]).await[0]["changes"], changes);
    assert_eq!(asked(&service, &["events", id, "--limit", "1"]).await[0]["changes"], changes);
    // A moment behind the log; thirty days come before today.
    while asked(&service, &["activity"]).await[0]["users"][30]["active"] != "1" {}
    let nobody = "01890000-0000-7000-8000-000000000000";
    let said = users(&service, &["get", nobody]).await;
    assert_eq!((said.code, &*said.stdout), (Some(1), ""));
    assert_eq!(said.stderr, "user-service: there is no such user (USER_NOT_FOUND)\n");
    let said = users(&service, &["batch-get", nobody]).await;
    assert_eq!((said.code, said.stderr), (Some(1), format!("user-service: there is no user {nobody}\n")));
    let api = format!("http://{}", service.address);
    service.stop().await;
    let said = user_service(&["users", "--api", &api, "list"], &[]).await;
    assert!(said.stderr.starts_with("user-service: no service answers on 127.0.0.1:"), "{}", said.stderr);
}

async fn users_are_changed_from_the_command_line(place: &Place) {
    let service = Running::serve(place).await;
    let folder = tempfile::tempdir().unwrap();
    let [first, second, third] = ["one", "two", "three"]
        .map(|name| secret(folder.path(), name, &format!("open sesame {name}, will you\n")));
    let create = ["create", "--email", "alice@example.org", "--username", "alice", "--password-file", &first];
    let once = ["--request-id", "0b5e0000-0000-4000-8000-000000000001"];
    let alice = asked(&service, &[&create[..], &once].concat()).await[0].clone();
    let again = asked(&service, &[&create[..], &once].concat()).await[0].clone();
    assert_eq!((&alice["id"], &alice["etag"]), (&again["id"], &again["etag"]), "said twice, made once");
    let (id, etag) = (alice["id"].as_str().unwrap(), alice["etag"].as_str().unwrap());

    let update = ["update", id, "--first-name", "Alice", "--last-name", "Liddell", "--etag", etag];
    let updated = asked(&service, &update).await[0].clone();
    assert_eq!((&updated["firstName"], &updated["username"]), (&json!("Alice"), &json!("alice")));
    let cleared = asked(&service, &["update", id, "--clear", "last_name"]).await[0].clone();
    assert_eq!((cleared.get("lastName"), &cleared["firstName"]), (None, &json!("Alice")));
    let said = users(&service, &update).await;
    assert!(said.code == Some(1) && said.stderr.contains("(ETAG_MISMATCH)"), "{}", said.stderr);

    let change = ["change-password", id, "--old-password-file", &first, "--new-password-file", &second];
    asked(&service, &change).await;
    asked(&service, &["set-password", id, "--password-file", &third]).await;
    let right = users(&service, &["verify-password", "--username", "alice", "--password-file", &third]).await;
    assert_eq!((right.code, right.stdout), (Some(0), format!("it is the password of {id}\n")));
    assert_eq!(users(&service, &["verify-password", id, "--password-file", &first]).await.code, Some(1));

    let standing = async |command: &[&str]| asked(&service, command).await[0]["status"].clone();
    assert_eq!(standing(&["deactivate", id]).await, "USER_STATUS_INACTIVE");
    assert_eq!(standing(&["activate", id]).await, "USER_STATUS_ACTIVE");
    assert_eq!(standing(&["suspend", id, "--reason", "she asked for it"]).await, "USER_STATUS_SUSPENDED");
    assert_eq!(standing(&["reinstate", id]).await, "USER_STATUS_ACTIVE");
    assert_eq!(standing(&["delete", id]).await, "USER_STATUS_DELETED");
    assert_eq!(standing(&["restore", id]).await, "USER_STATUS_ACTIVE");
    assert_eq!(standing(&["delete", id]).await, "USER_STATUS_DELETED");
    assert_eq!(standing(&["erase", id]).await, "USER_STATUS_ERASED");
    service.stop().await;
}

async fn people_get_tables(place: &Place) {
    let service = Running::serve(place).await;
    for name in ["alice", "bob"] {
        let create = json!({"email": format!("{name}@example.org"), "username": name, "password": PASSWORD});
        service.ok("CreateUser", create).await;
    }
    let list = users(&service, &["list"]).await.stdout;
    let words: Vec<Vec<_>> = list.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(words[0], ["ID", "STATUS", "USERNAME", "EMAIL", "NAME", "UPDATED"]);
    assert_eq!(words[1][1..4], ["active", "bob", "bob@example.org"]);
    assert_eq!(words[2][1..4], ["active", "alice", "alice@example.org"]);
    let one = users(&service, &["get", "--username", "alice"]).await.stdout;
    assert!(one.lines().any(|line| line == "username  alice"), "{one}");
    let origins = users(&service, &["explain", words[2][0]]).await.stdout;
    let origins: Vec<_> = origins.lines().map(|line| line.split_whitespace().next()).collect();
    assert!(origins.starts_with(&[Some("FIELD")]) && origins.contains(&Some("email")), "{origins:?}");
    service.stop().await;
}
