//! A log that is not the one that a projection has followed stops it, and another generation ends that.

use eventstore::Slot;

use crate::accounts::ACCOUNTS;
use crate::model::assert_accounts;
use crate::scene::{Running, Scene, until};

/// What an operator's mistake leaves: rows and a checkpoint that are not of this log.
async fn found(mistake: &str) {
    let scene = Scene::new().await;
    scene.begins(1, &["named anna", "deposited 1"]).await;
    let running = Running::start(scene.projections());
    running.catches_up(&scene).await;
    running.stop().await;
    let wrong = format!("UPDATE projections SET {mistake} WHERE name = 'accounts'");
    scene.shell().execute_batch(&wrong).unwrap();
    let before = scene.tables(&ACCOUNTS, Slot::Live).await;
    scene.happens(2, "named berta").await;
    let running = Running::start(scene.projections());
    let paused = until(async || scene.generation("accounts", Slot::Live).await.unwrap().paused).await;
    assert!(paused.starts_with("LOG_DIVERGED: "), "{paused}");
    assert_eq!(scene.tables(&ACCOUNTS, Slot::Live).await, before, "nothing is written");
    let answer = running.wish("accounts", "rebuild").await;
    assert!(answer.starts_with("generation 2 is live"), "{answer}");
    running.catches_up(&scene).await;
    assert_accounts(&scene, &ACCOUNTS).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_event_at_the_checkpoint_is_found() {
    found("event_id = x'00112233445566778899aabbccddeeff'").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_log_is_found() {
    found("log_id = x'00112233445566778899aabbccddeeff'").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_ends_before_the_checkpoint_is_found() {
    found("position = 1000").await;
}
