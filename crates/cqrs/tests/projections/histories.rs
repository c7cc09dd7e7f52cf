//! Whatever happens in whatever order: rows that were followed, rows that were built later, and rows that somebody makes
//! with patience are the same.

use std::sync::atomic::Ordering;

use eventstore::Slot;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::accounts::ACCOUNTS;
use crate::model::{assert_accounts, fold};
use crate::place::Engine;
use crate::scene::{Running, Scene};

#[derive(Clone, Debug)]
enum Act {
    Happens(u64, &'static str),
    /// A runner is killed, and another one takes over.
    Killed,
    Rebuilt,
    Fixed,
}

fn act() -> impl Strategy<Value = Act> {
    let what = prop::sample::select(vec![
        "named anna",
        "named berta",
        "deposited 3",
        "deposited -8",
        "closed",
        "garbled",
        "odd",
        "erased",
    ]);
    prop_oneof![
        30 => (0..6_u64, what).prop_map(|(n, what)| Act::Happens(n, what)),
        1 => Just(Act::Killed),
        1 => Just(Act::Rebuilt),
        1 => Just(Act::Fixed),
    ]
}

fn followed_rebuilt_and_folded_are_equal(on: Engine, cases: u32) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let acts = prop::collection::vec(act(), 1..80);
    TestRunner::new(config)
        .run(&acts, |acts| {
            runtime.block_on(live(on, acts));
            Ok(())
        })
        .unwrap();
}

#[test]
fn followed_rebuilt_and_folded_are_equal_on_sqlite() {
    followed_rebuilt_and_folded_are_equal(Engine::Sqlite, 12);
}

/// Each case makes a database, which takes longer than the case.
#[test]
fn followed_rebuilt_and_folded_are_equal_on_postgres() {
    followed_rebuilt_and_folded_are_equal(Engine::Postgres, 4);
}

async fn live(on: Engine, acts: Vec<Act>) {
    let scene = Scene::new(on).await;
    let mut running = Running::start(scene.projections());
    let mut erased = Vec::new();
    for act in acts {
        match act {
            Act::Happens(n, _) if erased.contains(&n) => {}
            Act::Happens(n, "erased") => {
                if scene.knows(n).await {
                    scene.happens(n, "erased").await;
                    erased.push(n);
                }
            }
            Act::Happens(n, what) => drop(scene.happens(n, what).await),
            Act::Killed => {
                running.kill().await;
                running = Running::start(scene.projections());
            }
            Act::Rebuilt => {
                let answer = running.wish("accounts", "rebuild").await;
                assert!(answer.contains("is live"), "{answer}");
            }
            Act::Fixed => scene.fixed.store(true, Ordering::Relaxed),
        }
    }
    scene.fixed.store(true, Ordering::Relaxed);
    running.catches_up(&scene).await;
    let retried = running.wish("accounts", "parked retry").await;
    assert!(retried.ends_with("0 streams still parked"), "{retried}");
    assert_accounts(&scene, &ACCOUNTS).await;
    running.wish("accounts", "rebuild keep").await;
    let expected = fold(&scene, &ACCOUNTS, &scene.log().await).await;
    assert_eq!(scene.tables(&ACCOUNTS, Slot::Next).await, expected);
    running.stop().await;
}
