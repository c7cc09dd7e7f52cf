//! One owner for each projection, another as soon as it goes, and nobody who writes without being it.

use std::time::Duration;

use cqrs::projection::RunnerSettings;
use eventstore::{Fence, Progress, ProjectionBatch, ProjectionError, Slot, Writing};

use crate::accounts::{ACCOUNTS, TALLIES};
use crate::model::assert_accounts;
use crate::place::{Engine, on_both_stores};
use crate::scene::{Running, Scene, settings, soon, until};

on_both_stores!(
    who_stops_is_followed_at_once,
    who_is_killed_is_followed_when_the_lease_has_expired,
    a_zombie_is_refused_and_learns_it,
    an_older_binary_leaves_newer_rows_alone,
    the_work_is_spread_over_all_and_taken_back_from_who_leaves,
    what_is_being_built_is_not_given_away,
);

/// Who owns the accounts.
async fn owner(scene: &Scene) -> Option<Fence> {
    let leases = scene.store.projections().leases().await.unwrap();
    leases.into_iter().find(|lease| lease.projection == "accounts").map(|lease| lease.fence)
}

fn with_long_leases() -> RunnerSettings {
    RunnerSettings { lease_ttl: Duration::from_secs(20), ..settings() }
}

async fn who_stops_is_followed_at_once(on: Engine) {
    let scene = Scene::new(on).await;
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

async fn who_is_killed_is_followed_when_the_lease_has_expired(on: Engine) {
    let scene = Scene::new(on).await;
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

async fn a_zombie_is_refused_and_learns_it(on: Engine) {
    let scene = Scene::new(on).await;
    let zombie = Running::start(scene.projections_of(scene.store(), with_long_leases(), &ACCOUNTS));
    zombie.catches_up(&scene).await;
    let old = owner(&scene).await.unwrap();
    // As if it had slept through the end of its lease.
    scene.shell(&format!("UPDATE projection_leases SET expires_at = {}", on.long_ago())).await;
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

async fn an_older_binary_leaves_newer_rows_alone(on: Engine) {
    let scene = Scene::new(on).await;
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

/// How many projections each of them owns.
async fn owned<const N: usize>(all: [&Running; N]) -> [usize; N] {
    let mut owned = [0; N];
    for (running, owned) in all.iter().zip(&mut owned) {
        let status = running.projections.status().await.unwrap();
        *owned = status.iter().filter(|status| status.owner.as_ref().is_some_and(|owner| owner.here)).count();
    }
    owned
}

/// Waits until they own so many, in any order.
async fn own<const N: usize>(all: [&Running; N], expected: [usize; N]) {
    until(async || {
        let mut owned = owned(all).await;
        owned.sort_unstable();
        (owned == expected).then_some(())
    })
    .await;
}

async fn the_work_is_spread_over_all_and_taken_back_from_who_leaves(on: Engine) {
    let scene = Scene::new(on).await;
    let first = Running::start(scene.many_projections(settings()));
    let mut events = 0;
    let mut happens = async || {
        for n in 0..7 {
            scene.happens(n, "named anna").await;
            events += 1;
        }
    };
    happens().await;
    own([&first], [6]).await;
    let second = Running::start(scene.many_projections(settings()));
    own([&first, &second], [3, 3]).await;
    happens().await;
    let third = Running::start(scene.many_projections(settings()));
    own([&first, &second, &third], [2, 2, 2]).await;
    happens().await;
    first.catches_up(&scene).await;
    third.stop().await;
    own([&first, &second], [3, 3]).await;
    happens().await;
    second.kill().await;
    own([&first], [6]).await;
    happens().await;
    for layout in [&ACCOUNTS].into_iter().chain(&TALLIES) {
        first.projections.reached(layout.name, scene.head().await, soon()).await.unwrap();
        assert_accounts(&scene, layout).await;
    }
    first.stop().await;
    // Who was killed in line may have left her place behind; it is nobody's.
    let mut leases = scene.store.projections().leases().await.unwrap();
    leases.retain(|lease| !lease.expired);
    assert_eq!(leases, [], "nobody is in line");
}

async fn what_is_being_built_is_not_given_away(on: Engine) {
    let scene = Scene::new(on).await;
    for n in 0..300 {
        scene.begins(n, &["named anna"]).await;
    }
    let first = Running::start(scene.many_projections(RunnerSettings { step_events_max: 2, ..settings() }));
    first.catches_up(&scene).await;
    own([&first], [6]).await;
    let rebuild = "rebuild".parse().unwrap();
    first.projections.wish("accounts", &rebuild).await.unwrap();
    until(async || scene.generation("accounts", Slot::Next).await).await;
    // Long before it is built.
    assert_eq!(first.wish("accounts", "pause").await, "paused; rebuild goes on");
    let before = owner(&scene).await;
    let second = Running::start(scene.many_projections(settings()));
    own([&first, &second], [3, 3]).await;
    assert_eq!(
        (owner(&scene).await, first.wish("accounts", "resume").await),
        (before, "goes on; rebuild goes on".to_owned())
    );
    until(async || scene.generation("accounts", Slot::Live).await.filter(|live| live.number == 2)).await;
    assert_eq!(owner(&scene).await, before);
    first.stop().await;
    second.stop().await;
}
