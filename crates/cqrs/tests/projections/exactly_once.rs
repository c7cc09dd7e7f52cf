//! Whatever step goes wrong, and however: each event is in the rows once, and each wish is done once.

use std::time::Duration;

use cqrs::projection::RunnerSettings;
use eventstore::Slot;
use tokio::task::{JoinSet, LocalSet};
use tokio::time::timeout;

use crate::accounts::{ACCOUNTS, ROWS};
use crate::faults::{Fault, Faulty};
use crate::model::{assert_accounts, fold};
use crate::place::{Engine, on_both_stores};
use crate::scene::{Running, Scene, settings};

on_both_stores!(
    whichever_step_fails_each_event_is_in_the_rows_once,
    whichever_step_nobody_hears_of_each_event_is_in_the_rows_once,
    whichever_step_is_the_last_each_event_is_in_the_rows_once,
);

/// A life that takes this long is stuck.
const PATIENCE: Duration = Duration::from_secs(25);

/// Steps are small, so that there are many of them, and leases short.
fn small() -> RunnerSettings {
    RunnerSettings {
        step_events_max: 8,
        lease_ttl: Duration::from_millis(150),
        retry_longest: Duration::from_millis(5),
        refolds: 2,
        ..settings()
    }
}

/// A life of the projections: built, fed, rebuilt, rolled back, one account mended, parked events retried.
async fn live(scene: &Scene, running: &Running) {
    running.catches_up(scene).await;
    scene.happens(1, "deposited 4").await;
    scene.happens(2, "garbled").await;
    scene.happens(2, "deposited 4").await;
    running.wish("accounts", "parked retry").await;
    let rebuilt = running.wish("accounts", "rebuild").await;
    assert!(rebuilt.starts_with("generation 2 is live"), "{rebuilt}");
    scene.happens(3, "deposited 4").await;
    let back = running.wish("accounts", "rollback").await;
    assert!(back.starts_with("generation 1 is live"), "{back}");
    let mended = running.wish("accounts", &format!("rebuild {}", crate::scene::account(1))).await;
    assert!(mended.ends_with("made anew"), "{mended}");
    // The inline rows show the account that is parked in the others: what could not read it would not be switched to.
    scene.fixed.store(true, std::sync::atomic::Ordering::Relaxed);
    let inline = running.wish("account_rows", "rebuild").await;
    assert!(inline.contains("generation 2 is live"), "{inline}");
    scene.happens(4, "closed").await;
    running.catches_up(scene).await;
    running.wish("accounts", "parked retry").await;
}

async fn history(on: Engine) -> Scene {
    let scene = Scene::new(on).await;
    let long = ["named anna", "deposited 1", "deposited 2", "deposited 3", "deposited 4", "deposited 5"];
    scene.begins(1, &[long, long, long].concat()).await;
    for n in 2..8 {
        scene.begins(n, &["named berta", "named cleo"]).await;
    }
    scene
}

/// The whole life, with one step going wrong. How many steps it took.
async fn with(on: Engine, at: u64, fault: Fault) -> u64 {
    let scene = history(on).await;
    let faulty = Faulty::new(scene.store(), at, fault);
    let running = Running::start(scene.projections_of(faulty.clone(), small(), &ACCOUNTS));
    // Whoever waits asks a store that works.
    let asking = Running::watching(scene.projections_of(scene.store(), small(), &ACCOUNTS));
    let life = async {
        let lived = timeout(PATIENCE, live(&scene, &asking)).await;
        assert!(lived.is_ok(), "{fault:?} at {at}: {:?}", asking.projections.status().await);
    };
    let heirs = async {
        faulty.died.cancelled().await;
        running.kill().await;
        Running::start(scene.projections_of(scene.store(), small(), &ACCOUNTS))
    };
    tokio::pin!(life, heirs);
    let mut heir = None;
    tokio::select! {
        () = &mut life => {}
        started = &mut heirs => heir = Some(started),
    }
    if let Some(heir) = heir {
        life.await;
        heir.stop().await;
    }
    assert_accounts(&scene, &ACCOUNTS).await;
    let rows = scene.tables(&ROWS, Slot::Live).await;
    assert_eq!(rows["account_row"].len(), fold(&scene, &ROWS, &scene.log().await).await["account_row"].len());
    faulty.steps()
}

async fn whichever_step_goes_wrong(on: Engine, fault: Fault) {
    let steps = with(on, u64::MAX, fault).await;
    assert!(steps > 60, "{steps}");
    let mut lives = JoinSet::new();
    // Each life makes a database on PostgreSQL, which takes longer than the life: there it is one step of twenty. The
    // campaign projector-crash takes every step on both.
    let stride = match on {
        Engine::Sqlite => 1,
        Engine::Postgres => 20,
    };
    for at in (0..steps).step_by(stride) {
        if lives.len() >= 4 {
            lives.join_next().await.unwrap().unwrap();
        }
        lives.spawn_local(with(on, at, fault));
    }
    while let Some(life) = lives.join_next().await {
        life.unwrap();
    }
}

async fn whichever_step_fails_each_event_is_in_the_rows_once(on: Engine) {
    LocalSet::new().run_until(Box::pin(whichever_step_goes_wrong(on, Fault::Before))).await;
}

async fn whichever_step_nobody_hears_of_each_event_is_in_the_rows_once(on: Engine) {
    LocalSet::new().run_until(Box::pin(whichever_step_goes_wrong(on, Fault::After))).await;
}

async fn whichever_step_is_the_last_each_event_is_in_the_rows_once(on: Engine) {
    LocalSet::new().run_until(Box::pin(whichever_step_goes_wrong(on, Fault::Death))).await;
}
