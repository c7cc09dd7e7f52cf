//! Pages of the log: by position, or by the positions of a few streams, from either end. What an event must be like is
//! looked at by the server.

use eventstore::{Direction, EventFilter, EventPage, EventQuery, Position, ReadError, RecordedEvent};
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use crate::read::{Reader, event, event_columns};
use crate::row::signed;

/// A filtered read looks at no more events than these at once: a type that hardly ever occurs must not make one
/// statement read the whole log.
const SCANNED_MAX: u64 = 50_000;

macro_rules! between {
    ($position:literal, $filter:literal, $order:literal) => {
        concat!(
            "SELECT ",
            event_columns!(),
            " FROM events WHERE ",
            $position,
            " > $1 AND ",
            $position,
            " <= $2 ",
            $filter,
            " ORDER BY ",
            $position,
            $order,
            " LIMIT $3"
        )
    };
}

macro_rules! filtered {
    ($order:literal) => {
        between!(
            "position",
            "AND (cardinality($4::text[]) = 0 OR event_type = ANY ($4)) \
             AND ($5::text IS NULL OR aggregate_type = $5) AND ($6::text IS NULL OR actor = $6) \
             AND ($7::uuid IS NULL OR correlation_id = $7)",
            $order
        )
    };
}

/// With a zero added no index serves the position: the one on the stream is to be used.
macro_rules! of_streams {
    ($order:literal) => {
        between!(
            "position + 0",
            "AND aggregate_id = ANY ($8::uuid[]) AND (cardinality($4::text[]) = 0 OR event_type = ANY ($4)) \
             AND ($5::text IS NULL OR aggregate_type = $5) AND ($6::text IS NULL OR actor = $6) \
             AND ($7::uuid IS NULL OR correlation_id = $7)",
            $order
        )
    };
}

const UP: &str = between!("position", "", "");
const DOWN: &str = between!("position", "", " DESC");
const FILTERED_UP: &str = filtered!("");
const FILTERED_DOWN: &str = filtered!(" DESC");
const STREAMS_UP: &str = of_streams!("");
const STREAMS_DOWN: &str = of_streams!(" DESC");

/// For the test that looks at their plans.
#[cfg(test)]
pub(crate) const STATEMENTS: [&str; 6] = [UP, DOWN, FILTERED_UP, FILTERED_DOWN, STREAMS_UP, STREAMS_DOWN];

/// The part of the log that a query is about: after one position, up to another.
#[derive(Clone, Copy)]
struct Window {
    after: u64,
    up_to: u64,
    direction: Direction,
}

impl Window {
    /// Where the page ends when everything in it has been looked at.
    fn end(self) -> u64 {
        match self.direction {
            Direction::OldestFirst => self.up_to,
            Direction::NewestFirst => self.after,
        }
    }

    /// Where the page ends behind an event.
    fn behind(self, position: u64) -> u64 {
        match self.direction {
            Direction::OldestFirst => position,
            Direction::NewestFirst => position - 1,
        }
    }

    /// As much of it as one page looks at.
    fn cut(self) -> Self {
        match self.direction {
            Direction::OldestFirst => {
                Self { up_to: self.up_to.min(self.after.saturating_add(SCANNED_MAX)), ..self }
            }
            Direction::NewestFirst => {
                Self { after: self.after.max(self.up_to.saturating_sub(SCANNED_MAX)), ..self }
            }
        }
    }
}

pub(crate) async fn page(reader: &Reader, query: &EventQuery) -> Result<EventPage, ReadError> {
    // Everything up to the head is visible to whoever has seen the head.
    let Position(head) = reader.head().await?.position;
    let up_to = query.up_to.map_or(head, |Position(up_to)| up_to.min(head));
    if up_to <= query.after.0 || query.limit == 0 {
        return Ok(EventPage { events: Vec::new(), scanned_to: query.after });
    }
    let window = Window { after: query.after.0, up_to, direction: query.direction };
    let filter = &query.filter;
    if *filter == EventFilter::default() {
        let sql = directed(query, UP, DOWN);
        Ok(looked_at(window, query, select(reader, sql, window, query, &[]).await?))
    } else if filter.aggregate_ids.is_empty() {
        let sql = directed(query, FILTERED_UP, FILTERED_DOWN);
        let window = window.cut();
        Ok(looked_at(window, query, select(reader, sql, window, query, &filtered(filter)).await?))
    } else {
        let sql = directed(query, STREAMS_UP, STREAMS_DOWN);
        let streams: Vec<Uuid> = filter.aggregate_ids.iter().map(|stream| stream.0).collect();
        let streams: [&(dyn ToSql + Sync); 1] = [&streams];
        let conditions = [&filtered(filter)[..], &streams].concat();
        Ok(looked_at(window, query, select(reader, sql, window, query, &conditions).await?))
    }
}

fn directed(query: &EventQuery, up: &'static str, down: &'static str) -> &'static str {
    match query.direction {
        Direction::OldestFirst => up,
        Direction::NewestFirst => down,
    }
}

fn filtered(filter: &EventFilter) -> [&(dyn ToSql + Sync); 4] {
    [&filter.event_types, &filter.aggregate_type, &filter.actor, &filter.correlation_id]
}

async fn select(
    reader: &Reader,
    sql: &str,
    window: Window,
    query: &EventQuery,
    conditions: &[&(dyn ToSql + Sync)],
) -> Result<Vec<RecordedEvent>, ReadError> {
    let bounds = (signed(window.after), signed(window.up_to), i64::from(query.limit));
    let bounds: [&(dyn ToSql + Sync); 3] = [&bounds.0, &bounds.1, &bounds.2];
    let parameters = [&bounds, conditions].concat();
    reader.rows(sql, &parameters).await?.iter().map(event).collect()
}

/// A full page ends behind its last event, any other has looked at everything in the window.
fn looked_at(window: Window, query: &EventQuery, events: Vec<RecordedEvent>) -> EventPage {
    let full = events.len() == query.limit as usize;
    let last = events.last().filter(|_| full);
    let scanned_to = Position(last.map_or(window.end(), |event| window.behind(event.position.0)));
    EventPage { events, scanned_to }
}
