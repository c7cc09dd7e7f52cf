//! One owner for each projection, another as soon as it goes, and nobody who writes without being it.

use std::time::Duration;

use cqrs::projection::RunnerSettings;
use eventstore::{EventStore, Fence, Progress, ProjectionBatch, ProjectionError, Slot, Writing};

use crate::accounts::ACCOUNTS;
use crate::model::assert_accounts;
use crate::scene::{Running, Scene, settings, until};

/// Who owns the accounts.
async fn owner(scene: &Scene) -> Option<Fence> {
    let leases = scene.store.projections().leases().await.unwrap();
    leases.into_iter().find(|lease| lease.projection == "accounts").map(|lease| lease.fence)
}

fn with_long_leases() -> RunnerSettings {
    RunnerSettings { lease_ttl: Duration::from_secs(20), ..settings() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_stops_is_followed_at_once() {
    let scene = Scene::new().await;
    let first = Running::start(scene.projections_of(scene.store(), with_long_leases(), &ACCOUNTS));
    first.catches_up(&scene).await;
    let second = Running::start(scene.projections());
    first.stop().await;
    scene.happens(1, "named anna").await;
    second.catches_up(&scene).await;
    assert!(second.status("accounts").await.owner.unwrap().here);
    second.stop().await;
    assert_eq!(owner(&scene).await, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_killed_is_followed_when_the_lease_has_expired() {
    let scene = Scene::new().await;
    let first = Running::start(scene.projections());
    first.catches_up(&scene).await;
    let before = owner(&scene).await.unwrap();
    first.kill().await;
    let second = Running::start(scene.projections());
    for n in 0..20 {
        scene.happens(n, "named anna").await;
    }
    second.catches_up(&scene).await;
    assert!(owner(&scene).await.unwrap().epoch > before.epoch);
    assert_accounts(&scene, &ACCOUNTS).await;
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_zombie_is_refused_and_learns_it() {
    let scene = Scene::new().await;
    let zombie = Running::start(scene.projections_of(scene.store(), with_long_leases(), &ACCOUNTS));
    zombie.catches_up(&scene).await;
    let old = owner(&scene).await.unwrap();
    // As if it had slept through the end of its lease.
    scene.shell().execute_batch("UPDATE projection_leases SET expires_at = 0").unwrap();
    let second = Running::start(scene.projections());
    until(async || owner(&scene).await.filter(|now| now.epoch > old.epoch)).await;
    let live = scene.generation("accounts", Slot::Live).await.unwrap();
    let at = Progress { checkpoint: live.checkpoint, phase: live.phase };
    let batch = ProjectionBatch {
        layout: &ACCOUNTS,
        slot: Slot::Live,
        fence: old,
        from: at,
        to: at,
        streams: vec![],
        rows: vec![],
        park: vec![],
        unpark: vec![],
        writing: Writing::Upsert,
    };
    let refused = scene.store.projections().apply(batch).await;
    assert!(matches!(refused, Err(ProjectionError::Fenced)), "{refused:?}");
    for n in 0..20 {
        scene.happens(n, "named anna").await;
    }
    second.catches_up(&scene).await;
    until(async || (zombie.status("accounts").await.numbers.fenced > 0).then_some(())).await;
    assert_accounts(&scene, &ACCOUNTS).await;
    zombie.stop().await;
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_binary_leaves_newer_rows_alone() {
    let scene = Scene::new().await;
    let newer = scene.projections_of(scene.store(), settings(), &crate::accounts::ACCOUNTS_2);
    let older = Running::start(scene.projections());
    older.catches_up(&scene).await;
    older.stop().await;
    let newer = Running::start(newer);
    until(async || scene.generation("accounts", Slot::Live).await.filter(|live| live.revision == 2)).await;
    newer.stop().await;
    let older = Running::start(scene.projections());
    let refused = older.wish("accounts", "switch").await;
    assert!(refused.starts_with("refused"), "{refused}");
    // It gives the lease back when it has answered.
    until(async || owner(&scene).await.is_none().then_some(())).await;
    let answer = older.wish("accounts", "rollback").await;
    assert!(answer.starts_with("generation 1 is live"), "{answer}");
    scene.happens(1, "named anna").await;
    older.catches_up(&scene).await;
    older.stop().await;
}
