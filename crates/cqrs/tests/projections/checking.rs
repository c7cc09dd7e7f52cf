//! Live rows are compared with the log: what was changed from outside is named, mended, and nothing else is touched.

use std::collections::BTreeSet;

use cqrs::projection::{Checked, CheckedAll, NotComparable};
use eventstore::Slot;

use crate::accounts::{ACCOUNTS, ROWS};
use crate::place::{Engine, on_both_stores};
use crate::scene::{Running, Scene, account};

on_both_stores!(
    rows_that_nobody_touched_are_well,
    each_kind_of_change_is_named_and_mended_and_nothing_else_is_touched,
    what_was_counted_wrongly_is_named_and_a_rebuild_mends_it,
    rows_of_appends_are_checked_and_mended_too,
    who_is_parked_is_compared_with_what_was_projected,
    nothing_is_called_wrong_because_it_moves,
    some_streams_are_all_where_there_are_few,
);

/// Accounts one to three, the last erased.
async fn with_three(on: Engine) -> (Scene, Running) {
    let scene = Scene::new(on).await;
    for n in 1..4 {
        scene.begins(n, &["named anna", "deposited 3", "named berta"]).await;
    }
    scene.happens(3, "erased").await;
    let running = Running::start(scene.projections());
    running.catches_up(&scene).await;
    (scene, running)
}

/// What differs of an account, in words.
async fn found(running: &Running, projection: &str, n: u64) -> Vec<String> {
    match running.projections.check(projection, account(n)).await.unwrap() {
        Checked::Compared(differences) => differences.iter().map(ToString::to_string).collect(),
        Checked::NotComparable(reason) => panic!("{reason}"),
    }
}

async fn all(running: &Running, projection: &str) -> CheckedAll {
    running.projections.check_all(projection).await.unwrap()
}

fn well(streams: u64) -> CheckedAll {
    CheckedAll { streams, ..CheckedAll::default() }
}

async fn rows_that_nobody_touched_are_well(on: Engine) {
    let (scene, running) = with_three(on).await;
    for n in 1..5 {
        assert_eq!(found(&running, "accounts", n).await, [""; 0]);
    }
    assert_eq!(found(&running, "account_rows", 3).await, [""; 0]);
    assert_eq!(all(&running, "accounts").await, well(3));
    scene.happens(1, "deposited 1").await;
    scene.happens(4, "named cleo").await;
    running.catches_up(&scene).await;
    assert_eq!(all(&running, "accounts").await, well(4));
    let unknown = running.projections.check("payments", account(1)).await.unwrap();
    assert_eq!(unknown, Checked::NotComparable(NotComparable::Unknown));
}

async fn each_kind_of_change_is_named_and_mended_and_nothing_else_is_touched(on: Engine) {
    let (scene, running) = with_three(on).await;
    let before = scene.tables(&ACCOUNTS, Slot::Live).await;
    let nobody = on.id("000000000000000000000000000000ff");
    let changes = format!(
        "UPDATE account SET balance = 7 WHERE id = (SELECT id FROM account ORDER BY id LIMIT 1);
         DELETE FROM account_history WHERE position = 4;
         INSERT INTO account_open SELECT id, 'berta' FROM account ORDER BY id DESC LIMIT 1;
         INSERT INTO account_open VALUES ({nobody}, 'nobody');"
    );
    scene.shell(&changes).await;
    let named = [
        (1, "account.balance"),
        (2, "account_history (a row is missing)"),
        (3, "account_open (a row too many)"),
    ];
    for (n, difference) in named {
        assert_eq!(found(&running, "accounts", n).await, [difference]);
    }
    let checked = all(&running, "accounts").await;
    assert_eq!((checked.streams, checked.wrong.len()), (3, 4));
    assert_eq!(checked.counts, BTreeSet::new());
    for stream in checked.wrong.keys() {
        let mended = running.wish("accounts", &format!("rebuild {stream}")).await;
        assert_eq!(mended, format!("the rows of {stream} have been made anew"));
    }
    assert_eq!(scene.tables(&ACCOUNTS, Slot::Live).await, before);
    assert_eq!(all(&running, "accounts").await, well(3));
}

async fn what_was_counted_wrongly_is_named_and_a_rebuild_mends_it(on: Engine) {
    let (scene, running) = with_three(on).await;
    scene.shell("UPDATE account_total SET times = 9 WHERE what = 'named';").await;
    scene.happens(1, "deposited 1").await;
    running.catches_up(&scene).await;
    let checked = all(&running, "accounts").await;
    assert!(checked.wrong.is_empty());
    let counts: Vec<_> = checked.counts.iter().map(ToString::to_string).collect();
    assert_eq!(counts, ["account_total.times"]);
    running.wish("accounts", "rebuild").await;
    assert_eq!(all(&running, "accounts").await, well(3));
}

async fn rows_of_appends_are_checked_and_mended_too(on: Engine) {
    let (scene, running) = with_three(on).await;
    let before = scene.tables(&ROWS, Slot::Live).await;
    scene.shell("UPDATE account_row SET name = 'mallory';").await;
    for n in 1..3 {
        assert_eq!(found(&running, "account_rows", n).await, ["account_row.name"]);
        running.wish("account_rows", &format!("rebuild {}", account(n))).await;
    }
    assert_eq!(scene.tables(&ROWS, Slot::Live).await, before);
    assert_eq!(all(&running, "account_rows").await, well(3));
}

async fn who_is_parked_is_compared_with_what_was_projected(on: Engine) {
    let (scene, running) = with_three(on).await;
    for what in ["garbled", "deposited 5"] {
        scene.happens(1, what).await;
    }
    running.catches_up(&scene).await;
    assert_eq!(found(&running, "accounts", 1).await, [""; 0]);
    assert_eq!(all(&running, "accounts").await, well(3));
}

async fn nothing_is_called_wrong_because_it_moves(on: Engine) {
    let (scene, running) = with_three(on).await;
    let writing = async {
        for n in 0..300 {
            scene.happens(n % 3 + 1 + n % 2 * 10, "deposited 1").await;
        }
    };
    let checking = async {
        for _ in 0..20 {
            let checked = all(&running, "accounts").await;
            assert!(checked.wrong.is_empty() && checked.counts.is_empty(), "{checked:?}");
        }
    };
    tokio::join!(writing, checking);
}

async fn some_streams_are_all_where_there_are_few(on: Engine) {
    let (_scene, running) = with_three(on).await;
    let some = async |count| running.projections.some_streams(count).await.unwrap();
    assert_eq!(some(10).await, (1..4).map(account).collect());
    assert_eq!((some(2).await.len(), some(0).await.len()), (2, 0));
}
