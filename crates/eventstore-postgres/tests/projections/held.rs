//! Appends that are held while an inline projection is swapped.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{PEOPLE, WAITS_FOR_A_LOCK, generation, options, owned, spawn_append, until};
use crate::appends::{changed, created};
use crate::database::Database;
use crate::{open, soon};
use eventstore::{EventStore, Fence, Position, Progress, ProjectionBatch, ProjectionLayout, Slot, Writing};
use eventstore_postgres::Store;
use tokio::task::JoinSet;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn appends_that_wait_while_they_are_held_do_not_keep_a_swap_waiting() {
    let database = Database::new().await;
    let stores = [open(&options(&database)).await, open(&options(&database)).await];
    for n in 1..=2 {
        stores[0].append(created(n), soon()).await.unwrap();
    }
    let fence = owned(&stores[0], &PEOPLE).await;
    let projections = stores[0].projections();
    projections.begin(&PEOPLE, fence, Position(2)).await.unwrap();
    let client = database.owner().await;
    client.batch_execute("INSERT INTO person__g2 SELECT * FROM person").await.unwrap();
    projections.walked(&PEOPLE, Slot::Next, fence).await.unwrap();
    // Whoever is about to hold the appends stands in front; a statement of each store comes after her, and would keep
    // its lock on the table while it waits.
    client
        .batch_execute("BEGIN; SELECT pg_advisory_xact_lock(hashtextextended(current_schema(), 0))")
        .await
        .unwrap();
    let ready = tokio::spawn({
        let store = Arc::clone(&stores[0]);
        async move { store.projections().hold_appends().await }
    });
    let watch = database.owner().await;
    until(&watch, WAITS_FOR_A_LOCK).await;
    let waiting: Vec<_> =
        (1..=2u64).zip(&stores).map(|(n, store)| spawn_append(store, changed(n, 1))).collect();
    client.batch_execute("COMMIT").await.unwrap();
    let held = ready.await.unwrap().unwrap();
    until(&watch, WAITS_FOR_A_LOCK).await;
    held.swap(&PEOPLE, fence, Slot::Next, None).await.unwrap();
    let mut positions = Vec::new();
    for append in waiting {
        positions.push(append.await.unwrap());
    }
    positions.sort_unstable();
    assert_eq!(positions, [Position(3), Position(4)]);
    let renamed = client.query_one("SELECT count(*) FROM person WHERE name = 'Grace'", &[]).await.unwrap();
    assert_eq!(renamed.get::<_, i64>(0), 2, "they write the new generation");
    assert_eq!(generation(&stores[0], &PEOPLE, Slot::Prior).await.checkpoint.position, Position(2));
}

/// A step that writes nothing, up to the head.
async fn catch_up(store: &Store, layout: &'static ProjectionLayout, slot: Slot, fence: Fence) {
    let (from, head) = (generation(store, layout, slot).await, store.head().await.expect("there is one"));
    let from = Progress { checkpoint: from.checkpoint, phase: from.phase };
    let mut to = from;
    (to.checkpoint.position, to.checkpoint.event_id) = (head.position, head.event_id);
    let (streams, rows, park, unpark) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let writing = Writing::Upsert;
    let step = ProjectionBatch { layout, slot, fence, from, to, streams, rows, park, unpark, writing };
    store.projections().apply(step).await.expect("the step is taken");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_inline_projection_is_swapped_again_and_again_while_two_instances_write() {
    const SWAPS: u32 = 5;
    let database = Database::new().await;
    let stores = [open(&options(&database)).await, open(&options(&database)).await];
    let fence = owned(&stores[0], &PEOPLE).await;
    let swapping = Arc::new(AtomicBool::new(true));
    let mut writers = JoinSet::new();
    for n in 0..8u64 {
        let (store, swapping) = (Arc::clone(&stores[usize::from(n % 2 == 0)]), Arc::clone(&swapping));
        writers.spawn(async move {
            let mut version = 0;
            while swapping.load(Ordering::Acquire) {
                let append = if version == 0 { created(n) } else { changed(n, version) };
                store.append(append, soon()).await.expect("who has to wait is not refused");
                version += 1;
            }
            version
        });
    }
    let (client, projections) = (database.owner().await, stores[0].projections());
    for number in 2..2 + SWAPS {
        let up_to = stores[0].head().await.unwrap().position;
        projections.begin(&PEOPLE, fence, up_to).await.unwrap();
        projections.walked(&PEOPLE, Slot::Next, fence).await.unwrap();
        let held = projections.hold_appends().await.unwrap();
        let fill = format!("INSERT INTO person__g{number} SELECT * FROM person");
        client.batch_execute(&fill).await.unwrap();
        catch_up(&stores[0], &PEOPLE, Slot::Next, fence).await;
        held.swap(&PEOPLE, fence, Slot::Next, None).await.unwrap();
    }
    swapping.store(false, Ordering::Release);
    let written: u64 = writers.join_all().await.into_iter().sum();
    let found = client.query_one("SELECT sum(version)::bigint FROM person", &[]).await.unwrap();
    assert_eq!(found.get::<_, i64>(0).cast_unsigned(), written, "no row has been left in an old generation");
    assert_eq!(stores[0].head().await.unwrap().position, Position(written));
}
