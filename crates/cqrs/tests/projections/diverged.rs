//! A log that is not the one that a projection has followed stops it, and another generation ends that.

use cqrs::projection::{NotReached, reached};
use eventstore::Slot;

use crate::accounts::ACCOUNTS;
use crate::model::assert_accounts;
use crate::place::{Engine, on_both_stores};
use crate::scene::{Running, Scene, soon, until};

on_both_stores!(
    another_event_at_the_checkpoint_is_found,
    another_log_is_found,
    a_log_that_ends_before_the_checkpoint_is_found,
);

const ANOTHER: &str = "00112233445566778899aabbccddeeff";

/// What an operator's mistake leaves: rows and a checkpoint that are not of this log.
async fn found(on: Engine, mistake: &str) {
    let scene = Scene::new(on).await;
    scene.begins(1, &["named anna", "deposited 1"]).await;
    let running = Running::start(scene.projections());
    running.catches_up(&scene).await;
    running.stop().await;
    let wrong = format!("UPDATE projections SET {mistake} WHERE name = 'accounts'");
    scene.shell(&wrong).await;
    let (before, shown) = (scene.tables(&ACCOUNTS, Slot::Live).await, scene.head().await);
    scene.happens(2, "named berta").await;
    // Before anybody owns it, too.
    let unowned = reached(&*scene.store, "accounts", shown, soon()).await;
    assert!(matches!(&unowned, Err(NotReached::Diverged(_))), "{unowned:?}");
    let running = Running::start(scene.projections());
    let paused = until(async || scene.generation("accounts", Slot::Live).await.unwrap().paused).await;
    assert!(paused.starts_with("LOG_DIVERGED: "), "{paused}");
    // Also what it would have shown before.
    let owned = running.projections.reached("accounts", shown, soon()).await;
    assert!(matches!(&owned, Err(NotReached::Diverged(reason)) if *reason == paused), "{owned:?}");
    assert_eq!(scene.tables(&ACCOUNTS, Slot::Live).await, before, "nothing is written");
    let answer = running.wish("accounts", "rebuild").await;
    assert!(answer.starts_with("generation 2 is live"), "{answer}");
    running.catches_up(&scene).await;
    assert_accounts(&scene, &ACCOUNTS).await;
    running.stop().await;
}

async fn another_event_at_the_checkpoint_is_found(on: Engine) {
    found(on, &format!("event_id = {}", on.id(ANOTHER))).await;
}

async fn another_log_is_found(on: Engine) {
    found(on, &format!("log_id = {}", on.id(ANOTHER))).await;
}

async fn a_log_that_ends_before_the_checkpoint_is_found(on: Engine) {
    found(on, "position = 1000").await;
}
