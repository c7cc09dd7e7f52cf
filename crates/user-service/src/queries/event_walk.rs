//! A walk along the log, from either end, to where its head was when the walk began. It holds nothing between two reads.

use eventstore::{Direction, EventQuery, EventStore, Position, ReadError, RecordedEvent};

use super::EventQuestion;

/// What is still to be looked at: everything after one position, up to another.
#[derive(Debug)]
pub(super) struct EventWalk {
    direction: Direction,
    after: Position,
    up_to: Position,
}

impl EventWalk {
    /// `from` is where an earlier walk stopped. The end is the head as it is now, so that it is known when it is reached.
    pub(super) async fn begin(
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

    pub(super) fn is_over(&self) -> bool {
        self.after >= self.up_to
    }

    /// The last position that it looks at.
    pub(super) fn up_to(&self) -> Position {
        self.up_to
    }

    /// Where another walk can go on.
    pub(super) fn at(&self) -> Position {
        match self.direction {
            Direction::OldestFirst => self.after,
            Direction::NewestFirst => self.up_to,
        }
    }

    /// One read: at most `limit` of the events that are wanted, perhaps none although more follow.
    pub(super) async fn next(
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
