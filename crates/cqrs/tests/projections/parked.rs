//! A bad event stops its own stream and nobody else's, until it can be read, or is left out.

use std::sync::atomic::Ordering;

use cqrs::projection::RunnerSettings;
use eventstore::{Parked, Position, Slot};

use crate::accounts::ACCOUNTS;
use crate::model::assert_accounts;
use crate::place::{Engine, on_both_stores};
use crate::scene::{Running, Scene, account, settings, until};

on_both_stores!(
    a_bad_event_parks_its_stream_in_order_and_the_others_go_on,
    what_is_parked_in_a_walk_is_tried_by_the_next_release,
    what_is_dropped_is_left_out_and_the_stream_goes_on,
    too_many_parked_streams_pause_the_projection_until_enough_is_mended,
    who_is_parked_can_be_erased,
);

async fn parked(scene: &Scene) -> Vec<Parked> {
    scene.store.projections().parked("accounts", Slot::Live, None, Position::START, 1000).await.unwrap()
}

/// Two accounts, one of which has a bad event in the middle.
async fn with_a_bad_event(scene: &Scene, bad: &str) {
    for what in ["named anna", bad, "deposited 2", "named berta"] {
        scene.happens(1, what).await;
        scene.happens(2, "deposited 1").await;
    }
}

async fn a_bad_event_parks_its_stream_in_order_and_the_others_go_on(on: Engine) {
    for bad in ["garbled", "odd"] {
        let scene = Scene::new(on).await;
        let running = Running::start(scene.projections());
        running.catches_up(&scene).await;
        with_a_bad_event(&scene, bad).await;
        running.catches_up(&scene).await;
        let found = parked(&scene).await;
        let positions: Vec<_> = found.iter().map(|parked| parked.event.position.0).collect();
        assert_eq!(positions, [3, 5, 7]);
        let causes: Vec<_> = found.iter().map(|parked| parked.event.cause.as_str()).collect();
        let cause = if bad == "odd" { "the projector panicked" } else { "unknown type account.garbled" };
        assert_eq!(causes, [cause, "", ""]);
        let retried = running.wish("accounts", "parked retry").await;
        assert_eq!(retried, "failed: live: 0 events projected, 1 streams still parked");
        scene.fixed.store(true, Ordering::Relaxed);
        let retried = running.wish("accounts", &format!("parked retry {}", account(1))).await;
        assert_eq!(retried, "live: 3 events projected, 0 streams still parked");
        assert_accounts(&scene, &ACCOUNTS).await;
        scene.happens(1, "deposited 9").await;
        running.catches_up(&scene).await;
        assert_accounts(&scene, &ACCOUNTS).await;
        running.stop().await;
    }
}

async fn what_is_parked_in_a_walk_is_tried_by_the_next_release(on: Engine) {
    let scene = Scene::new(on).await;
    with_a_bad_event(&scene, "garbled").await;
    let running = Running::start(scene.projections());
    running.catches_up(&scene).await;
    assert_eq!(parked(&scene).await.len(), 3);
    running.stop().await;
    scene.fixed.store(true, Ordering::Relaxed);
    let running = Running::start(scene.projections());
    until(async || parked(&scene).await.is_empty().then_some(())).await;
    assert_accounts(&scene, &ACCOUNTS).await;
    running.stop().await;
}

async fn what_is_dropped_is_left_out_and_the_stream_goes_on(on: Engine) {
    let scene = Scene::new(on).await;
    let running = Running::start(scene.projections());
    with_a_bad_event(&scene, "garbled").await;
    running.catches_up(&scene).await;
    let dropped = running.wish("accounts", &format!("parked drop {} sent by a test", account(1))).await;
    assert!(dropped.starts_with("3 events"), "{dropped}");
    scene.happens(1, "deposited 9").await;
    running.catches_up(&scene).await;
    let left_out = [3, 5, 7];
    let log: Vec<_> =
        scene.log().await.into_iter().filter(|event| !left_out.contains(&event.position.0)).collect();
    let expected = crate::model::fold(&scene, &ACCOUNTS, &log).await;
    assert_eq!(scene.tables(&ACCOUNTS, Slot::Live).await, expected);
    running.stop().await;
}

async fn too_many_parked_streams_pause_the_projection_until_enough_is_mended(on: Engine) {
    let scene = Scene::new(on).await;
    let few = RunnerSettings { parked_streams_max: 3, ..settings() };
    let running = Running::start(scene.projections_of(scene.store(), few, &ACCOUNTS));
    running.catches_up(&scene).await;
    for n in 0..4 {
        scene.happens(n, "garbled").await;
    }
    let reason = until(async || scene.generation("accounts", Slot::Live).await.unwrap().paused).await;
    assert!(reason.starts_with("TOO_MANY_PARKED"), "{reason}");
    scene.happens(9, "named anna").await;
    scene.fixed.store(true, Ordering::Relaxed);
    running.wish("accounts", "parked retry").await;
    running.catches_up(&scene).await;
    assert_accounts(&scene, &ACCOUNTS).await;
    running.stop().await;
}

async fn who_is_parked_can_be_erased(on: Engine) {
    let scene = Scene::new(on).await;
    let running = Running::start(scene.projections());
    with_a_bad_event(&scene, "garbled").await;
    running.catches_up(&scene).await;
    scene.happens(1, "erased").await;
    let tables = scene.tables(&ACCOUNTS, Slot::Live).await;
    assert!(!format!("{tables:?}").contains("anna"), "{tables:?}");
    scene.fixed.store(true, Ordering::Relaxed);
    running.catches_up(&scene).await;
    running.wish("accounts", "parked retry").await;
    assert_accounts(&scene, &ACCOUNTS).await;
    running.stop().await;
}
