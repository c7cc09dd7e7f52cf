//! A projection is built from history, then follows the log, and stops when it is told to.

use cqrs::projection::{NotReached, reached};
use eventstore::{Deadline, Phase, Position, Slot};

use crate::accounts::ACCOUNTS;
use crate::model::assert_accounts;
use crate::place::{Engine, on_both_stores};
use crate::scene::{Running, Scene};

on_both_stores!(history_is_walked_and_then_the_log_is_followed, whoever_waits_is_told_what_it_waits_for,);

async fn history_is_walked_and_then_the_log_is_followed(on: Engine) {
    let scene = Scene::new(on).await;
    for n in 0..300 {
        scene.begins(n, &["named anna", "deposited 3", "deposited 4"]).await;
    }
    let running = Running::start(scene.projections());
    running.catches_up(&scene).await;
    assert_accounts(&scene, &ACCOUNTS).await;
    scene.happens(5, "named berta").await;
    scene.happens(6, "closed").await;
    scene.happens(300, "named cleo").await;
    running.catches_up(&scene).await;
    assert_accounts(&scene, &ACCOUNTS).await;
    let status = running.status("accounts").await;
    assert_eq!(status.generations[0].lag_events, 0);
    assert!(status.owner.unwrap().here);
    assert_eq!(status.numbers.events, 903);
    running.stop().await;
    let leases = eventstore::EventStore::projections(&*scene.store).leases().await.unwrap();
    assert!(leases.is_empty(), "{leases:?}");
}

async fn whoever_waits_is_told_what_it_waits_for(on: Engine) {
    let scene = Scene::new(on).await;
    let now = || Deadline(std::time::Instant::now());
    let missing = reached(&*scene.store, "accounts", Position(1), now()).await;
    assert!(matches!(missing, Err(NotReached::Unknown)), "{missing:?}");
    let running = Running::start(scene.projections());
    scene.happens(1, "named anna").await;
    running.catches_up(&scene).await;
    let behind = running.projections.reached("accounts", Position(2), now()).await;
    assert!(matches!(behind, Err(NotReached::Behind { at: Position(1) })), "{behind:?}");
    assert_eq!(running.wish("accounts", "pause").await, "paused");
    let paused = running.projections.reached("accounts", Position(2), now()).await;
    assert!(matches!(paused, Err(NotReached::Paused(_))), "{paused:?}");
    running.stop().await;
    assert_eq!(scene.generation("accounts", Slot::Live).await.unwrap().phase, Phase::Tailing);
}
