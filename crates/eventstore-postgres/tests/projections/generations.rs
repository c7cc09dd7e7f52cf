//! Copies of tables: what they are like, and what others see of an exchange.

use std::sync::Arc;

use super::{MEMOS, MEMOS_ALONE, MEMOS_AND_TAGS, options, text, texts, two_generations, until};
use crate::appends::erased;
use crate::database::Database;
use crate::{open, soon};
use eventstore::{Append, Derived, EventStore, Position, ProjectionLayout, Slot};
use tokio_postgres::Client;

/// The indexes of a table, with what they are.
async fn indexes(client: &Client, table: &str) -> Vec<(String, String)> {
    let ask = "SELECT indexname::text, indexdef FROM pg_indexes WHERE tablename = $1 ORDER BY 1";
    let rows = client.query(ask, &[&table]).await.expect("indexes are listed");
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

#[tokio::test]
async fn a_generation_has_the_rights_the_room_and_the_indexes_of_the_live_one() {
    let database = Database::new().await;
    let store = open(&options(&database)).await;
    let fence = two_generations(&store).await;
    let client = database.owner().await;
    let live = indexes(&client, "memo").await;
    assert_eq!(indexes(&client, "memo__g2").await.len(), 1, "the primary key, from the start");
    store.projections().walked(&MEMOS, Slot::Next, fence).await.unwrap();
    let copies = indexes(&client, "memo__g2").await.into_iter();
    let named = copies.map(|(name, what)| (name.replace("__g2", ""), what.replace("__g2", "")));
    assert_eq!(named.collect::<Vec<_>>(), live);
    let look = "SELECT reloptions = (SELECT reloptions FROM pg_class WHERE relname = 'memo'), \
        relacl IS NOT DISTINCT FROM (SELECT relacl FROM pg_class WHERE relname = 'memo') \
        FROM pg_class WHERE relname = 'memo__g2'";
    let same = client.query_one(look, &[]).await.unwrap();
    assert!(same.get::<_, bool>(0) && same.get::<_, bool>(1));
    store.projections().swap(&MEMOS, fence, Slot::Next).await.unwrap();
    assert_eq!(indexes(&client, "memo").await, live, "under the names that migrations know");
    store.projections().retire(&MEMOS, fence, Slot::Prior).await.unwrap();
    assert_eq!(indexes(&client, "memo__g1").await, []);
}

#[tokio::test]
async fn a_statement_that_was_prepared_before_a_swap_reads_the_new_generation() {
    let database = Database::new().await;
    let (store, other) = (open(&options(&database)).await, open(&options(&database)).await);
    let fence = two_generations(&store).await;
    // Often enough for its plan to be kept.
    for _ in 0..10 {
        assert_eq!(texts(&other).await, text("old"));
    }
    store.projections().walked(&MEMOS, Slot::Next, fence).await.unwrap();
    for (slot, found) in [(Slot::Next, "new"), (Slot::Prior, "old"), (Slot::Prior, "new")] {
        store.projections().swap(&MEMOS, fence, slot).await.unwrap();
        assert_eq!(texts(&other).await, text(found));
    }
}

/// Every table of the projection, with the generation that it belongs to.
async fn listed(client: &Client) -> Vec<(String, i32)> {
    let ask = "SELECT table_name, number FROM derived_tables WHERE projection = 'memos' ORDER BY 1";
    let rows = client.query(ask, &[]).await.expect("tables are listed");
    for row in &rows {
        let read = format!("SELECT FROM {}", row.get::<_, String>(0));
        client.batch_execute(&read).await.expect("what is listed is there");
    }
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

#[tokio::test]
async fn releases_of_a_projection_may_differ_in_their_tables() {
    let database = Database::new().await;
    let store = open(&options(&database)).await;
    let fence = two_generations(&store).await;
    let (client, projections) = (database.owner().await, store.projections());
    let swap = async |layout: &'static ProjectionLayout| {
        projections.declare(&[layout]).await.unwrap();
        projections.begin(layout, fence, Position(1)).await.unwrap();
        projections.walked(layout, Slot::Next, fence).await.unwrap();
        projections.swap(layout, fence, Slot::Next).await.unwrap();
    };
    let named = |expected: &[(&str, i32)]| -> Vec<_> {
        expected.iter().map(|(name, number)| ((*name).to_owned(), *number)).collect()
    };
    swap(&MEMOS_AND_TAGS).await;
    assert_eq!(listed(&client).await, named(&[("memo", 3), ("memo__g1", 1), ("tag", 3), ("tag__g1", 1)]));
    projections.declare(&[&MEMOS]).await.unwrap();
    swap(&MEMOS_ALONE).await;
    assert_eq!(listed(&client).await, named(&[("memo", 4), ("memo__g3", 3), ("tag", 4)]));
    projections.swap(&MEMOS_AND_TAGS, fence, Slot::Prior).await.unwrap();
    assert_eq!(listed(&client).await, named(&[("memo", 3), ("memo__g4", 4), ("tag", 3)]));
    store.append(Append { derived: Derived::Erased, ..erased(1, 1) }, soon()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_swap_that_waits_for_a_reader_keeps_no_other_waiting() {
    let database = Database::new().await;
    let store = open(&options(&database)).await;
    let fence = two_generations(&store).await;
    store.projections().walked(&MEMOS, Slot::Next, fence).await.unwrap();
    let reader = database.owner().await;
    reader.batch_execute("BEGIN; SELECT text FROM memo").await.unwrap();
    let swapping = tokio::spawn({
        let store = Arc::clone(&store);
        async move { store.projections().swap(&MEMOS, fence, Slot::Next).await }
    });
    let waits = "SELECT 1 FROM pg_locks l JOIN pg_stat_activity a USING (pid) \
        WHERE NOT l.granted AND a.datname = current_database() AND l.mode = 'AccessExclusiveLock'";
    until(&database.owner().await, waits).await;
    for _ in 0..3 {
        assert_eq!(texts(&store).await, text("old"));
    }
    assert!(!swapping.is_finished());
    reader.batch_execute("COMMIT").await.unwrap();
    swapping.await.unwrap().unwrap();
    assert_eq!(texts(&store).await, text("new"));
}
