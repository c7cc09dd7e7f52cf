//! The control: whoever asks whether the log is still the one that she has read finds out how far it goes, and no more.
//! Where a projection stands, the event is always the one that it has seen.

use async_trait::async_trait;
use eventstore::{EventPage, EventQuery, EventStore, ReadError};

use crate::sabotage::Sabotage;

/// Hides which event stands at a checkpoint.
#[derive(Debug)]
pub(super) struct HeadOnly;

#[async_trait]
impl Sabotage for HeadOnly {
    async fn events(&self, store: &dyn EventStore, query: &EventQuery) -> Result<EventPage, ReadError> {
        let mut page = store.events(query).await?;
        let Ok(generations) = store.projections().generations().await else { return Ok(page) };
        for checkpoint in generations.iter().map(|generation| &generation.checkpoint) {
            let there = page.events.iter_mut().find(|event| event.position == checkpoint.position);
            if let (Some(event), Some(seen)) = (there, checkpoint.event_id) {
                event.event_id = seen;
            }
        }
        Ok(page)
    }
}
