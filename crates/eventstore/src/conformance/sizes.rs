//! How much room the store takes.

use super::Fixture;
use super::scene::{creates, event, open};
use crate::{EventStore, NewEvent, StoreSize};

async fn size(store: &impl EventStore) -> StoreSize {
    store.size().await.expect("it is measured")
}

pub async fn a_store_grows_with_its_events<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    let empty = size(&*store).await;
    assert!(empty.total > 0, "there is a schema");
    let mut command = creates(1);
    let filling = || NewEvent { data: format!("\"{}\"", "x".repeat(1000)), ..event("document.changed") };
    command.0.events = (0..1000).map(|_| filling()).collect();
    command.done(&*store).await;
    let full = size(&*store).await;
    let grown = full.events - empty.events;
    assert!((900_000..4_000_000).contains(&grown), "a million bytes and what goes with them, not {grown}");
    assert!(full.total > empty.total && full.total >= full.events, "{full:?}");
}
