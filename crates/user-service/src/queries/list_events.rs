//! What happened to anybody? From the log, in the order of positions, from either end.

use eventstore::{Direction, EventQuery, EventStore, Position, ReadError, RecordedEvent};

use super::{EventQuestion, EventsPage, PageOf, QueryError, listed};
use crate::directory::Directory;

/// How often the log is read for one page. A read with a filter ends after so many positions whatever it found.
const READS_MAX: u32 = 8;

/// A page of the log.
pub async fn list_events(
    directory: &Directory,
    question: &EventQuestion,
    page: PageOf<'_>,
) -> Result<EventsPage, QueryError> {
    let from = page.binding.read(directory.root(), page.token)?.map(u64::from_be_bytes).map(Position);
    let mut walk = Walk::begin(directory.store(), question, from).await?;
    let mut wanted: Vec<RecordedEvent> = Vec::new();
    let (mut reads, mut left) = (0, page.size);
    while !walk.is_over() && reads < READS_MAX && left > 0 {
        let events = walk.next(directory.store(), question, left).await?;
        left -= u32::try_from(events.len()).unwrap_or(u32::MAX).min(left);
        wanted.extend(events);
        reads += 1;
    }
    let next = (!walk.is_over()).then(|| page.binding.issue(directory.root(), &walk.at().0.to_be_bytes()));
    Ok(EventsPage { events: listed(directory, wanted).await?, next })
}

/// What is still to be looked at: everything after one position, up to another.
struct Walk {
    direction: Direction,
    after: Position,
    up_to: Position,
}

impl Walk {
    /// `from` is where an earlier walk stopped. The end is the head as it is now, so that it is known when it is reached.
    async fn begin(
        store: &dyn EventStore,
        question: &EventQuestion,
        from: Option<Position>,
    ) -> Result<Self, ReadError> {
        let span = question.period.span(store).await?;
        let head = store.head().await?.position;
        let up_to = span.up_to.map_or(head, |up_to| up_to.min(head));
        let (after, direction) = (span.after, question.direction);
        Ok(match (direction, from) {
            (_, None) => Self { direction, after, up_to },
            (Direction::OldestFirst, Some(from)) => Self { direction, after: after.max(from), up_to },
            (Direction::NewestFirst, Some(from)) => Self { direction, after, up_to: up_to.min(from) },
        })
    }

    fn is_over(&self) -> bool {
        self.after >= self.up_to
    }

    /// Where another walk can go on.
    fn at(&self) -> Position {
        match self.direction {
            Direction::OldestFirst => self.after,
            Direction::NewestFirst => self.up_to,
        }
    }

    async fn next(
        &mut self,
        store: &dyn EventStore,
        question: &EventQuestion,
        limit: u32,
    ) -> Result<Vec<RecordedEvent>, ReadError> {
        let query = EventQuery {
            after: self.after,
            up_to: Some(self.up_to),
            direction: self.direction,
            filter: question.filter.clone(),
            limit,
        };
        let page = store.events(&query).await?;
        match self.direction {
            Direction::OldestFirst => self.after = page.scanned_to,
            Direction::NewestFirst => self.up_to = page.scanned_to,
        }
        Ok(page.events)
    }
}
