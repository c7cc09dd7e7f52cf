//! `events`: what happened, on a command line.

use std::fs;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};

use super::running::start;
use super::{Running, Said, user_service};
use crate::stage::{PASSWORD, Place, on_both_places};

on_both_places!(
    events_are_listed_and_exported,
    a_tail_follows_what_happens,
    a_tail_goes_on_when_the_service_comes_back,
);

async fn create(service: &Running, name: &str) -> String {
    let request = json!({"email": format!("{name}@example.org"), "username": name, "password": PASSWORD});
    service.ok("CreateUser", request).await["user"]["id"].as_str().unwrap().to_owned()
}

async fn events(service: &Running, command: &[&str]) -> Said {
    let api = format!("http://{}", service.address);
    user_service(&[&["events"], command, &["--api", &api]].concat(), &[]).await
}

/// The lines that a command prints, as objects.
async fn printed(service: &Running, command: &[&str]) -> Vec<Value> {
    let json: &[&str] = if command[0] == "export" { &[] } else { &["--format", "jsonl"] };
    let said = events(service, &[command, json].concat()).await;
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    said.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

async fn events_are_listed_and_exported(place: &Place) {
    let service = Running::serve(place).await;
    let (alice, bob) = (create(&service, "alice").await, create(&service, "bob").await);
    for call in ["DeactivateUser", "ActivateUser"] {
        service.ok(call, json!({"id": alice})).await;
    }
    let listed = service.ok("ListEvents", json!({"order": 1})).await;
    let all = listed["events"].as_array().unwrap();
    assert_eq!(printed(&service, &["list", "--oldest-first"]).await, *all);
    assert_eq!(printed(&service, &["list", "--limit", "1"]).await, all[3..]);
    assert_eq!(printed(&service, &["list", "--user", &bob]).await, all[1..2]);
    assert_eq!(printed(&service, &["list", "--type", "user.activated"]).await, all[3..]);
    assert_eq!(printed(&service, &["tail", "-n", "2"]).await, all[2..]);
    assert_eq!(printed(&service, &["export"]).await, *all);
    let table = events(&service, &["list", "--user", &bob, "--from", "2026-01-01"]).await.stdout;
    let words: Vec<_> = table.lines().nth(1).unwrap_or_default().split_whitespace().collect();
    assert_eq!((table.lines().count(), words[2], words[3]), (2, "user.created", &*bob), "{table}");
    assert!(table.contains("username: bob"), "{table}");
    let refused = events(&service, &["list", "--format", "jsonl", "--type", "user.teleported"]).await;
    assert_eq!((refused.code, refused.stdout.as_str()), (Some(1), ""));
    assert!(refused.stderr.contains("UNKNOWN_EVENT_TYPE"), "{}", refused.stderr);

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("events.csv");
    let output = ["export", "--format", "csv", "--output", file.to_str().unwrap()];
    let said = events(&service, &output).await;
    assert_eq!((said.code, said.stderr.as_str()), (Some(0), "4 events, up to position 4\n"));
    let table = fs::read_to_string(&file).unwrap();
    assert_eq!(table.lines().count(), 5);
    service.ok("DeleteUser", json!({"id": alice})).await;
    let said = events(&service, &[&output[..], &["--after", "4"]].concat()).await;
    assert_eq!((said.code, said.stderr.as_str()), (Some(0), "1 events, up to position 5\n"));
    let longer = fs::read_to_string(&file).unwrap();
    assert!(longer.starts_with(&table) && longer.lines().count() == 6, "it goes on where it was: {longer}");
    service.stop().await;
}

async fn a_tail_follows_what_happens(place: &Place) {
    let service = Running::serve(place).await;
    create(&service, "alice").await;
    let api = format!("http://{}", service.address);
    let follow = ["events", "tail", "--follow", "--type", "user.created", "--format", "jsonl", "--api", &api];
    let mut tail = start(&follow, &[]).await;
    let mut lines = BufReader::new(tail.stdout.take().unwrap()).lines();
    let mut next = async || {
        let line = lines.next_line().await.unwrap().expect("it goes on");
        serde_json::from_str::<Value>(&line).unwrap()
    };
    assert_eq!(next().await["position"], "1");
    let bob = create(&service, "bob").await;
    service.ok("DeactivateUser", json!({"id": bob})).await;
    assert_eq!(next().await["userId"], bob.as_str());
    let carol = create(&service, "carol").await;
    assert_eq!(next().await["userId"], carol.as_str(), "what the filter leaves out is not told");
    tail.kill().await.unwrap();
    service.stop().await;
}

/// Stopped and killed, and back where it was: nothing is missed, nothing is told twice.
async fn a_tail_goes_on_when_the_service_comes_back(place: &Place) {
    let service = Running::serve(place).await;
    create(&service, "alice").await;
    let address = service.address;
    let api = format!("http://{address}");
    let mut tail = start(&["events", "tail", "--follow", "--format", "jsonl", "--api", &api], &[]).await;
    let mut lines = BufReader::new(tail.stdout.take().unwrap()).lines();
    let mut next = async || {
        let line = lines.next_line().await.unwrap().expect("it goes on");
        serde_json::from_str::<Value>(&line).unwrap()["position"].as_str().unwrap().to_owned()
    };
    assert_eq!(next().await, "1");
    create(&service, "bob").await;
    assert_eq!(next().await, "2");
    service.stop().await;
    let service = Running::serve_at(place, address).await;
    // Perhaps before it has found the way back.
    create(&service, "carol").await;
    assert_eq!(next().await, "3");
    service.kill().await;
    let service = Running::serve_at(place, address).await;
    create(&service, "dave").await;
    create(&service, "erin").await;
    assert_eq!([next().await, next().await], ["4", "5"]);
    tail.kill().await.unwrap();
    service.stop().await;
    assert_eq!(lines.next_line().await.unwrap(), None);
}
