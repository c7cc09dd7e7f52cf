//! Another generation beside the live one: built, compared, switched to, and back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use cqrs::projection::{Outcome, RunnerSettings};
use eventstore::{Position, Slot};

use crate::accounts::{ACCOUNTS, ACCOUNTS_2, OPEN, ROWS};
use crate::model::{assert_accounts, fold};
use crate::place::{Engine, on_both_stores};
use crate::scene::{Running, Scene, account, settings, until};

on_both_stores!(
    a_rebuild_under_writes_never_shows_less,
    a_kept_generation_is_switched_to_rolled_back_and_retired,
    what_is_paused_is_not_replaced_until_it_is_resumed,
    what_has_begun_goes_on_whatever_is_wished_beside_it_and_whoever_owns_it,
    a_rebuild_mends_what_is_wrong_and_says_how_much,
    what_was_not_done_is_told_from_what_was,
    whom_the_live_rows_show_no_rebuild_takes_from_the_view,
    one_stream_is_mended_and_the_others_are_left_alone,
    newer_code_builds_its_own_rows_and_switches_by_itself,
    an_inline_projection_is_rebuilt_under_writes,
    a_stream_longer_than_a_step_is_walked_in_pieces,
);

async fn with_history(on: Engine, accounts: u64) -> Scene {
    let scene = Scene::new(on).await;
    for n in 0..accounts {
        scene.begins(n, &["named anna", "deposited 3", "named berta"]).await;
    }
    scene
}

async fn number(scene: &Scene, projection: &str, slot: Slot) -> Option<u32> {
    scene.generation(projection, slot).await.map(|generation| generation.number)
}

async fn a_rebuild_under_writes_never_shows_less(on: Engine) {
    let scene = Arc::new(with_history(on, 200).await);
    let running = Running::start(scene.projections());
    running.catches_up(&scene).await;
    let stop = Arc::new(AtomicBool::new(false));
    let writer = tokio::spawn({
        let (scene, stop) = (Arc::clone(&scene), Arc::clone(&stop));
        async move {
            let mut n = 200;
            while !stop.load(Ordering::Relaxed) {
                scene.begins(n, &["named cleo", "deposited 1"]).await;
                scene.happens(n % 200, "deposited 2").await;
                n += 1;
            }
        }
    });
    let reader = tokio::spawn({
        let (scene, stop) = (Arc::clone(&scene), Arc::clone(&stop));
        async move {
            let mut most = 200;
            while !stop.load(Ordering::Relaxed) {
                let rows =
                    scene.store.projections().rows_after(&OPEN, Slot::Live, None, 100_000).await.unwrap();
                assert!(rows.len() >= most, "{} after {most}", rows.len());
                most = rows.len();
            }
        }
    });
    let answer = running.wish("accounts", "rebuild").await;
    assert!(answer.starts_with("generation 2 is live"), "{answer}");
    assert!(answer.contains(" 0 about streams and 0 about nobody"), "{answer}");
    stop.store(true, Ordering::Relaxed);
    writer.await.unwrap();
    reader.await.unwrap();
    running.catches_up(&scene).await;
    assert_accounts(&scene, &ACCOUNTS).await;
    assert_eq!(number(&scene, "accounts", Slot::Prior).await, Some(1));
    running.stop().await;
}

async fn a_kept_generation_is_switched_to_rolled_back_and_retired(on: Engine) {
    let scene = with_history(on, 20).await;
    let running = Running::start(scene.projections());
    running.catches_up(&scene).await;
    let kept = running.wish("accounts", "rebuild keep").await;
    assert!(kept.starts_with("generation 2 is ready"), "{kept}");
    assert_eq!(number(&scene, "accounts", Slot::Live).await, Some(1));
    scene.happens(1, "deposited 7").await;
    let switched = running.wish("accounts", "switch").await;
    assert!(switched.starts_with("generation 2 is live"), "{switched}");
    scene.happens(1, "deposited 8").await;
    running.catches_up(&scene).await;
    let back = running.wish("accounts", "rollback").await;
    assert!(back.starts_with("generation 1 is live"), "{back}");
    running.catches_up(&scene).await;
    assert_accounts(&scene, &ACCOUNTS).await;
    assert_eq!(running.wish("accounts", "retire prior").await, "generation 2 has gone");
    assert_eq!(number(&scene, "accounts", Slot::Prior).await, None);
    let refused = running.wish("accounts", "rollback").await;
    assert!(refused.starts_with("refused"), "{refused}");
    running.stop().await;
}

async fn what_is_paused_is_not_replaced_until_it_is_resumed(on: Engine) {
    let scene = with_history(on, 5).await;
    let running = Running::start(scene.projections());
    running.catches_up(&scene).await;
    let is_held =
        |outcome: Outcome| matches!(outcome, Outcome::Refused(why) if why.contains("resume it first"));
    running.wish("accounts", "pause").await;
    assert!(is_held(running.outcome("accounts", "rebuild").await));
    running.wish("accounts", "resume").await;
    let kept = running.wish("accounts", "rebuild keep").await;
    assert!(kept.starts_with("generation 2 is ready"), "{kept}");
    running.wish("accounts", "pause").await;
    assert!(is_held(running.outcome("accounts", "switch").await));
    running.wish("accounts", "resume").await;
    let switched = running.wish("accounts", "switch").await;
    assert!(switched.starts_with("generation 2 is live"), "{switched}");
    // As a release left it that let a rebuild end the pause of what was live.
    running.stop().await;
    scene.shell("UPDATE projections SET paused = 'paused by an operator' WHERE slot = 'prior'").await;
    let running = Running::start(scene.projections());
    assert!(is_held(running.outcome("accounts", "rollback").await));
    running.wish("accounts", "resume").await;
    let back = running.wish("accounts", "rollback").await;
    assert!(back.starts_with("generation 1 is live"), "{back}");
    running.stop().await;
}

async fn what_has_begun_goes_on_whatever_is_wished_beside_it_and_whoever_owns_it(on: Engine) {
    let scene = with_history(on, 30).await;
    let running = Running::start(scene.projections());
    running.catches_up(&scene).await;
    running.wish("accounts", "rebuild keep").await;
    running.stop().await;
    // Nobody owns it while these are wished, as when the owner goes in between.
    let asking = scene.projections();
    asking.wish("accounts", &"switch".parse().unwrap()).await.unwrap();
    asking.wish("accounts", &"parked retry".parse().unwrap()).await.unwrap();
    let running = Running::start(scene.projections());
    until(async || number(&scene, "accounts", Slot::Live).await.filter(|live| *live == 2)).await;
    running.stop().await;
    // What is over is not done again by whoever owns it next.
    let running = Running::start(scene.projections());
    running.catches_up(&scene).await;
    let back = running.wish("accounts", "rollback").await;
    assert!(back.starts_with("generation 1 is live"), "{back}");
    running.wish("accounts", "pause").await;
    let resumed = running.wish("accounts", "resume").await;
    assert_eq!((resumed.as_str(), number(&scene, "accounts", Slot::Live).await), ("goes on", Some(1)));
    running.stop().await;
}

async fn a_rebuild_mends_what_is_wrong_and_says_how_much(on: Engine) {
    let scene = with_history(on, 20).await;
    let running = Running::start(scene.projections());
    running.catches_up(&scene).await;
    scene.shell("UPDATE account SET balance = 99 WHERE balance = 3 AND version = 3").await;
    let answer = running.wish("accounts", "rebuild").await;
    assert!(answer.contains(" 20 about streams and 0 about nobody"), "{answer}");
    assert_accounts(&scene, &ACCOUNTS).await;
    running.stop().await;
}

async fn what_was_not_done_is_told_from_what_was(on: Engine) {
    let scene = with_history(on, 3).await;
    let none_parked = RunnerSettings { parked_streams_max: 0, ..settings() };
    let running = Running::start(scene.projections_of(scene.store(), none_parked, &ACCOUNTS));
    scene.fixed.store(true, Ordering::Relaxed);
    scene.happens(1, "garbled").await;
    running.catches_up(&scene).await;
    // Code that can do less than the one before it.
    scene.fixed.store(false, Ordering::Relaxed);
    let failed = running.outcome("accounts", "rebuild").await;
    assert!(
        matches!(&failed, Outcome::Failed(why) if why.starts_with("generation 2 does not go on")),
        "{failed:?}"
    );
    let refused = running.outcome("accounts", "rollback").await;
    assert_eq!(refused, Outcome::Refused("there is no prior generation".to_owned()));
    let done = running.outcome("accounts", "retire next").await;
    assert_eq!(done, Outcome::Done("generation 2 has gone".to_owned()));
    assert_eq!(number(&scene, "accounts", Slot::Live).await, Some(1));
    running.stop().await;
}

async fn whom_the_live_rows_show_no_rebuild_takes_from_the_view(on: Engine) {
    let scene = with_history(on, 3).await;
    let running = Running::start(scene.projections());
    scene.fixed.store(true, Ordering::Relaxed);
    scene.happens(1, "garbled").await;
    running.catches_up(&scene).await;
    // Code that can do less than the one before it.
    scene.fixed.store(false, Ordering::Relaxed);
    let seen = scene.tables(&ACCOUNTS, Slot::Live).await;
    for wish in ["rebuild", "switch", "rebuild keep"] {
        let refused = running.outcome("accounts", wish).await;
        let Outcome::Refused(why) = &refused else { panic!("{wish}: {refused:?}") };
        let named = format!("1 streams are parked in it that the live one shows: {}.", account(1));
        assert!(why.contains(&named), "{wish}: {why}");
        assert_eq!(number(&scene, "accounts", Slot::Live).await, Some(1), "{wish}");
        assert_eq!(scene.tables(&ACCOUNTS, Slot::Live).await, seen, "{wish}");
    }
    let number_next = number(&scene, "accounts", Slot::Next).await.unwrap();
    let accepted = running.wish("accounts", "switch accept-parked").await;
    assert!(accepted.starts_with(&format!("generation {number_next} is live")), "{accepted}");
    scene.fixed.store(true, Ordering::Relaxed);
    running.wish("accounts", "parked retry").await;
    assert_accounts(&scene, &ACCOUNTS).await;
    running.stop().await;
}

async fn one_stream_is_mended_and_the_others_are_left_alone(on: Engine) {
    let scene = with_history(on, 3).await;
    let running = Running::start(scene.projections());
    running.catches_up(&scene).await;
    let healthy = scene.tables(&ACCOUNTS, Slot::Live).await;
    scene.shell("UPDATE account SET balance = 99; DELETE FROM account_history").await;
    let mended = running.wish("accounts", &format!("rebuild {}", account(1))).await;
    assert!(mended.ends_with("made anew"), "{mended}");
    let found = scene.tables(&ACCOUNTS, Slot::Live).await;
    let of = |tables: &crate::scene::Tables, table: &str, n: u64| -> Vec<_> {
        let id = eventstore::Value::Uuid(account(n).0);
        tables[table].iter().filter(|row| row[0] == id).cloned().collect()
    };
    for table in ["account", "account_history", "account_open"] {
        assert_eq!(of(&found, table, 1), of(&healthy, table, 1), "{table}");
    }
    assert_eq!(found["account_total"], healthy["account_total"]);
    assert_ne!(of(&found, "account", 2), of(&healthy, "account", 2));
    running.stop().await;
}

async fn newer_code_builds_its_own_rows_and_switches_by_itself(on: Engine) {
    let scene = with_history(on, 20).await;
    let running = Running::start(scene.projections());
    running.catches_up(&scene).await;
    running.stop().await;
    let running = Running::start(scene.projections_of(scene.store(), settings(), &ACCOUNTS_2));
    until(async || scene.generation("accounts", Slot::Live).await.filter(|live| live.revision == 2)).await;
    scene.happens(1, "deposited 7").await;
    running.catches_up(&scene).await;
    assert_accounts(&scene, &ACCOUNTS_2).await;
    let refused = running.wish("accounts", "rollback").await;
    assert!(refused.contains("of another revision"), "{refused}");
    running.stop().await;
}

async fn an_inline_projection_is_rebuilt_under_writes(on: Engine) {
    let scene = Arc::new(Scene::new(on).await);
    for n in 0..50 {
        scene.begins(n, &["named anna"]).await;
    }
    let running = Running::start(scene.projections());
    running.catches_up(&scene).await;
    let stop = Arc::new(AtomicBool::new(false));
    let writer = tokio::spawn({
        let (scene, stop) = (Arc::clone(&scene), Arc::clone(&stop));
        async move {
            let mut n = 0;
            while !stop.load(Ordering::Relaxed) {
                scene.happens(n % 50, "named berta").await;
                n += 1;
            }
        }
    });
    let answer = running.wish("account_rows", "rebuild").await;
    assert!(answer.contains("generation 2 is live; appends stood still for"), "{answer}");
    scene.happens(77, "named cleo").await;
    stop.store(true, Ordering::Relaxed);
    writer.await.unwrap();
    let rows = scene.tables(&ROWS, Slot::Live).await;
    assert_eq!(rows, fold(&scene, &ROWS, &scene.log().await).await);
    let back = running.wish("account_rows", "rollback").await;
    assert!(back.starts_with("generation 1 is live"), "{back}");
    scene.happens(78, "named dora").await;
    let rows = scene.tables(&ROWS, Slot::Live).await;
    assert_eq!(rows, fold(&scene, &ROWS, &scene.log().await).await);
    scene.shell("UPDATE account_row SET name = 'mallory'").await;
    for n in (0..50).chain([77, 78]) {
        running.wish("account_rows", &format!("rebuild {}", account(n))).await;
    }
    assert_eq!(scene.tables(&ROWS, Slot::Live).await, rows);
    running.stop().await;
}

async fn a_stream_longer_than_a_step_is_walked_in_pieces(on: Engine) {
    let scene = Scene::new(on).await;
    let mut events = vec!["named anna"];
    events.resize(1500, "deposited 1");
    for n in 0..3 {
        scene.begins(n, &["named berta", "deposited 5"]).await;
        scene.begins(n + 10, &events).await;
    }
    scene.begins(20, &["garbled"]).await;
    let running = Running::start(scene.projections());
    running.catches_up(&scene).await;
    scene.fixed.store(true, Ordering::Relaxed);
    running.wish("accounts", "parked retry").await;
    assert_accounts(&scene, &ACCOUNTS).await;
    assert!(scene.head().await > Position(4500));
    running.stop().await;
}
