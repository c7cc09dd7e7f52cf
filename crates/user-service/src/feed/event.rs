//! An event on its way to listeners, decoded once for all of them.

use std::sync::Arc;

use eventstore::{Checkpoint, LogId, RecordedEvent};

use crate::directory::Directory;
use crate::queries::{ListedEvent, QueryError, UserEventEntry, listed};

/// An event as lists show it: with what it says, if that can be read here.
#[derive(Clone, Debug)]
pub struct FeedEvent(pub ListedEvent);

impl FeedEvent {
    /// As the log holds it.
    #[must_use]
    pub fn recorded(&self) -> &RecordedEvent {
        self.0.recorded()
    }

    /// The same, as it reads once her key is gone.
    pub(super) fn redacted(&self) -> Self {
        Self(self.0.redacted())
    }

    pub(super) fn is_erasure(&self) -> bool {
        self.recorded().event_type == "user.erased"
    }

    /// Where it stands.
    pub(super) fn checkpoint(&self, log_id: LogId) -> Checkpoint {
        let RecordedEvent { position, event_id, .. } = *self.recorded();
        Checkpoint { log_id, position, event_id: Some(event_id) }
    }

    /// About how much room it takes, in bytes: its parts stand twice, as stored and as read.
    pub(super) fn size(&self) -> usize {
        let sealed = self.recorded().sealed.as_ref().map_or(0, Vec::len);
        size_of::<UserEventEntry>() + 2 * (self.recorded().data.len() + sealed)
    }
}

/// What events say, with the keys of this moment: of whoever has been erased by now, nothing personal.
pub(super) async fn decoded(
    directory: &Directory,
    events: Vec<RecordedEvent>,
) -> Result<Vec<Arc<FeedEvent>>, QueryError> {
    let listed = listed(directory, events).await?;
    Ok(listed.into_iter().map(|event| Arc::new(FeedEvent(event))).collect())
}
