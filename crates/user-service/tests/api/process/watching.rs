//! What whoever watches it sees: who does the work of projections, and whom it is asked about most.

use serde_json::json;

use super::{Running, user_service};
use crate::stage::{PASSWORD, Place, get, on_both_places};

on_both_places!(the_only_instance_owns_every_projection);

async fn the_only_instance_owns_every_projection(place: &Place) {
    let service = Running::serve(place).await;
    let create = json!({"email": "alice@example.org", "username": "alice", "password": PASSWORD});
    service.ok("CreateUser", create).await;
    for projection in ["user_search", "user_history", "user_activity"] {
        let label = format!("{{projection=\"{projection}\"}}");
        let owned = format!("user_service_projection_owned{label} 1.0\n");
        // It takes a moment after the start.
        while !get(service.operations, "/metrics").await.1.contains(&owned) {}
        let (_, metrics) = get(service.operations, "/metrics").await;
        assert!(metrics.contains(&format!("user_service_projection_orphaned{label} 0.0\n")), "{metrics}");
    }
    assert_eq!(get(service.operations, "/readyz").await.1, "ready\n");
    service.stop().await;
}

#[tokio::test]
async fn whoever_owns_the_folder_learns_whom_questions_are_about() {
    let place = Place::sqlite();
    let url = place.url();
    let service = Running::serve(&place).await;
    let mut ids = Vec::new();
    for (name, questions) in [("alice", 1), ("bob", 3)] {
        let create = json!({"email": format!("{name}@example.org"), "username": name, "password": PASSWORD});
        ids.push(service.ok("CreateUser", create).await["user"]["id"].as_str().unwrap().to_owned());
        for _ in 0..questions {
            service.ok("GetUser", json!({"username": name})).await;
        }
    }
    let said = user_service(&["top-users", "--store", &url], &[]).await;
    let lines: Vec<_> = said.stdout.lines().map(|line| line.split_whitespace().collect::<Vec<_>>()).collect();
    assert_eq!(lines[1..], [[&*ids[1], "3", "3"], [&*ids[0], "1", "1"]], "{}", said.stdout);
    assert!(!said.stdout.contains("alice"), "ids alone: {}", said.stdout);
    let said = user_service(&["top-users", "--store", &url, "--limit", "1"], &[]).await;
    assert_eq!(said.stdout.lines().count(), 2, "{}", said.stdout);
    service.stop().await;
    let said = user_service(&["top-users", "--store", "postgres://u@h/d"], &[]).await;
    assert!(said.stderr.contains("say --admin-socket"), "{}", said.stderr);
}
