//! What is true of this store alone: the conformance suite says what is true of both.

mod appends;
mod database;

use appends::{changed, created, erased, event, options, soon};
use database::Database;
use eventstore::{EventQuery, EventStore, Position, Version};
use eventstore_postgres::{Store, migrate};

#[tokio::test]
async fn what_is_appended_is_there_after_the_store_was_opened_again() {
    let database = Database::new().await;
    migrate(&options(&database.url)).await.unwrap();
    let store = Store::open(options(&database.url)).await.unwrap();
    for append in [created(1), changed(1, 1), changed(1, 2), event(2, 0), event(2, 1), erased(1, 3)] {
        store.append(append, soon()).await.unwrap();
    }
    store.close().await;

    let store = Store::open(options(&database.url)).await.unwrap();
    let page = store.events(&EventQuery::after(Position::START, 10)).await.unwrap();
    let versions: Vec<_> = page.events.iter().map(|event| (event.position.0, event.version)).collect();
    assert_eq!(
        versions,
        [1, 2, 3, 1, 2, 4]
            .into_iter()
            .map(Version)
            .enumerate()
            .map(|(n, v)| (n as u64 + 1, v))
            .collect::<Vec<_>>()
    );
    assert_eq!(store.warnings(), []);
}
