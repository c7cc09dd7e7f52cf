//! What happened to her, when, and by whom? Straight from her own stream: it is the audit trail.

use cqrs::Decider;
use eventstore::{AggregateId, Direction, EventStore, ReadError, RecordedEvent, Version};
use user_domain::Users;
use uuid::Uuid;

use super::{EventQuestion, EventsPage, PageOf, QueryError, listed};
use crate::directory::Directory;
use crate::metrics::Query;

/// How many of her events are read at once when not all of them are wanted.
const CHUNK: u32 = 500;

/// How often that is done for one page. Whoever has more events gets a short page and a token.
const CHUNKS_MAX: u32 = 4;

/// The history of a user, a page of it; `None` when there never was such a user.
pub async fn list_user_events(
    directory: &Directory,
    id: Uuid,
    question: &EventQuestion,
    page: PageOf<'_>,
) -> Result<Option<EventsPage>, QueryError> {
    let _timed = directory.metrics().queries().time(Query::ListUserEvents);
    let id = AggregateId(id);
    let from = page.binding.read(directory.root(), page.token)?.map(u64::from_be_bytes);
    let Some(mut walk) = Walk::begin(directory.store(), id, question.direction, from).await? else {
        return Ok(None);
    };
    directory.metrics().most_asked().about(id.0);
    let chunk = if question.wants_all() { page.size + 1 } else { CHUNK };
    let mut wanted: Vec<RecordedEvent> = Vec::new();
    let mut chunks = 0;
    while !walk.over && chunks < CHUNKS_MAX && wanted.len() < page.size as usize {
        let events = walk.next(directory.store(), chunk).await?;
        let left = page.size as usize - wanted.len();
        wanted.extend(walk.take(events, question, left));
        chunks += 1;
    }
    let next = (!walk.over).then(|| page.binding.issue(directory.root(), &walk.at.0.to_be_bytes()));
    Ok(Some(EventsPage { events: listed(directory, wanted).await?, next }))
}

/// A walk along one stream. Versions are 1, 2, 3 … without gaps, so either end can be read from.
struct Walk {
    id: AggregateId,
    direction: Direction,
    /// The version that was looked at last, or the one beside the end that it begins at.
    at: Version,
    over: bool,
}

impl Walk {
    /// `None` when there is no such stream. `from` is where an earlier walk stopped.
    async fn begin(
        store: &dyn EventStore,
        id: AggregateId,
        direction: Direction,
        from: Option<u64>,
    ) -> Result<Option<Self>, ReadError> {
        let at = match (from, direction) {
            (Some(from), _) => Version(from),
            (None, direction) => {
                // A token has events under its id, and is nobody.
                let head = store.stream_head(id).await?;
                let head = head.filter(|head| head.aggregate_type == Users::AGGREGATE_TYPE);
                let Some(head) = head else { return Ok(None) };
                match direction {
                    Direction::OldestFirst => Version::NONE,
                    Direction::NewestFirst => head.version.next(),
                }
            }
        };
        Ok(Some(Self { id, direction, at, over: false }))
    }

    /// What comes next, at most `chunk` events.
    async fn next(&mut self, store: &dyn EventStore, chunk: u32) -> Result<Vec<RecordedEvent>, ReadError> {
        match self.direction {
            Direction::OldestFirst => {
                let events = store.stream(self.id, self.at, chunk).await?;
                self.over = events.len() < chunk as usize;
                Ok(events)
            }
            Direction::NewestFirst => {
                let below = self.at.0.saturating_sub(1);
                let limit = u32::try_from(below).unwrap_or(u32::MAX).min(chunk);
                let after = Version(below - u64::from(limit));
                self.over = after == Version::NONE;
                let mut events = store.stream(self.id, after, limit).await?;
                events.reverse();
                Ok(events)
            }
        }
    }

    /// At most `left` of the events that are wanted. The walk goes on after the last that was looked at.
    fn take(
        &mut self,
        events: Vec<RecordedEvent>,
        question: &EventQuestion,
        left: usize,
    ) -> Vec<RecordedEvent> {
        let mut taken = Vec::new();
        for event in events {
            if taken.len() == left {
                self.over = false;
                break;
            }
            self.at = event.version;
            if question.wants(&event) {
                taken.push(event);
            }
        }
        taken
    }
}
