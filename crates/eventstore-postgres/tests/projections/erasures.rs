//! Erasures, and steps about the same person at the same time.

use super::{MEMO, WAITS_FOR_A_LOCK, memo, options, spawn_append, texts, two_generations, until};
use crate::appends::{created, erased, event, id};
use crate::database::Database;
use crate::{open, soon};
use eventstore::{AggregateId, Append, Derived, EventStore, Slot, Value};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_erasure_waits_for_a_step_and_keeps_no_other_instance_waiting() {
    let database = Database::new().await;
    let (store, other) = (open(&options(&database)).await, open(&options(&database)).await);
    let fence = two_generations(&store).await;
    let client = database.owner().await;
    // What a step holds.
    let hold =
        "BEGIN; SELECT pg_advisory_xact_lock_shared(hashtextextended('erasure of ' || current_schema(), 0))";
    client.batch_execute(hold).await.unwrap();
    let erasing = spawn_append(&store, Append { derived: Derived::Erased, ..erased(1, 1) });
    until(&database.owner().await, WAITS_FOR_A_LOCK).await;
    other.append(event(7, 0), soon()).await.unwrap();
    client.batch_execute("UPDATE memo SET text = 'written late'; COMMIT").await.unwrap();
    erasing.await.unwrap();
    assert_eq!(texts(&store).await, [Value::Null]);
    memo(&store, Slot::Live, fence, 1, "too late").await;
    assert_eq!(texts(&store).await, [Value::Null]);
    let next = store.projections().rows_after(&MEMO, Slot::Next, None, 10).await.unwrap();
    assert_eq!(next[0][2], Value::Null);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_left_of_whoever_is_erased_while_a_step_writes_about_her() {
    let database = Database::new().await;
    let (store, other) = (open(&options(&database)).await, open(&options(&database)).await);
    let fence = two_generations(&store).await;
    for n in 2..20 {
        store.append(created(n), soon()).await.unwrap();
        let erasing = spawn_append(&other, Append { derived: Derived::Erased, ..erased(n, 1) });
        memo(&store, Slot::Live, fence, n, "canary").await;
        erasing.await.unwrap();
        let state = store.projections().states(&MEMO, Slot::Live, &[AggregateId(id(1, n))]).await.unwrap();
        assert_eq!(state[0][2], Value::Null, "{n}");
    }
}

#[tokio::test]
async fn a_table_that_has_gone_does_not_keep_anybody_from_being_erased() {
    let database = Database::new().await;
    let store = open(&options(&database)).await;
    two_generations(&store).await;
    database.owner().await.batch_execute("DROP TABLE memo__g2").await.unwrap();
    store.append(Append { derived: Derived::Erased, ..erased(1, 1) }, soon()).await.unwrap();
    assert_eq!(texts(&store).await, [Value::Null]);
}
