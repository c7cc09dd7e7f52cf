//! Pages of the log: by position, or by the positions of a few streams, from either end.
//!
//! Filters here rather than in SQL: a page has to know how far it looked, whether or not anything passed.

use eventstore::{AggregateId, Direction, EventFilter, EventPage, EventQuery, Position, RecordedEvent};
use rusqlite::{Connection, Rows, params};

use crate::read::{count, events, head, maybe_uuid, recorded};
use crate::row::signed;

/// How many events one page looks at. With a filter that nothing passes, the page ends here and says how far it got.
const SCANNED_MAX: u64 = 10_000;

const UP: &str = events!("WHERE position > ?1 AND position <= ?2 ORDER BY position");
const DOWN: &str = events!("WHERE position > ?1 AND position <= ?2 ORDER BY position DESC");
// With a plus no index serves the position: it stands in every index, and the one on the stream is to be used.
const STREAM_UP: &str =
    events!("WHERE aggregate_id = ?3 AND +position > ?1 AND +position <= ?2 ORDER BY version");
const STREAM_DOWN: &str =
    events!("WHERE aggregate_id = ?3 AND +position > ?1 AND +position <= ?2 ORDER BY version DESC");

/// For the test that looks at their plans.
#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] = &[UP, DOWN, STREAM_UP, STREAM_DOWN];

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

    /// Whether an event stands before an end.
    fn covers(self, position: u64, end: u64) -> bool {
        match self.direction {
            Direction::OldestFirst => position <= end,
            Direction::NewestFirst => position > end,
        }
    }

    /// Of two ends, the one that comes first.
    fn sooner(self, one: u64, other: u64) -> u64 {
        match self.direction {
            Direction::OldestFirst => one.min(other),
            Direction::NewestFirst => one.max(other),
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

pub(crate) fn page(connection: &Connection, query: &EventQuery) -> rusqlite::Result<EventPage> {
    let Position(head) = head(connection)?.position;
    let up_to = query.up_to.map_or(head, |Position(up_to)| up_to.min(head));
    if up_to <= query.after.0 || query.limit == 0 {
        return Ok(EventPage { events: Vec::new(), scanned_to: query.after });
    }
    let window = Window { after: query.after.0, up_to, direction: query.direction };
    if query.filter.aggregate_ids.is_empty() {
        of_all(connection, query, window.cut())
    } else {
        of_streams(connection, query, window)
    }
}

fn of_all(connection: &Connection, query: &EventQuery, window: Window) -> rusqlite::Result<EventPage> {
    let mut statement = connection.prepare_cached(match window.direction {
        Direction::OldestFirst => UP,
        Direction::NewestFirst => DOWN,
    })?;
    let rows = statement.query(params![signed(window.after), signed(window.up_to)])?;
    let (events, end) = passing(rows, query, window)?;
    Ok(EventPage { events, scanned_to: Position(end) })
}

/// Within a stream positions grow with versions, so each is read in its own order, and then they are put together.
fn of_streams(connection: &Connection, query: &EventQuery, window: Window) -> rusqlite::Result<EventPage> {
    let mut statement = connection.prepare_cached(match window.direction {
        Direction::OldestFirst => STREAM_UP,
        Direction::NewestFirst => STREAM_DOWN,
    })?;
    let (mut events, mut end) = (Vec::new(), window.end());
    for AggregateId(id) in &query.filter.aggregate_ids {
        let rows = statement.query(params![signed(window.after), signed(window.up_to), id.as_bytes()])?;
        let (found, stopped) = passing(rows, query, window)?;
        events.extend(found);
        end = window.sooner(end, stopped);
    }
    order(&mut events, query.direction);
    // Beyond the end of one stream's part the others may miss some.
    events.retain(|event| window.covers(event.position.0, end));
    if events.len() > query.limit as usize {
        events.truncate(query.limit as usize);
        end = events.last().map_or(end, |last| window.behind(last.position.0));
    }
    Ok(EventPage { events, scanned_to: Position(end) })
}

/// A stream can be asked for twice.
fn order(events: &mut Vec<RecordedEvent>, direction: Direction) {
    events.sort_unstable_by_key(|event| event.position);
    events.dedup_by_key(|event| event.position);
    match direction {
        Direction::OldestFirst => {}
        Direction::NewestFirst => events.reverse(),
    }
}

/// What passes the filter, as many as fit on a page, and where the looking ended.
fn passing(
    mut rows: Rows<'_>,
    query: &EventQuery,
    window: Window,
) -> rusqlite::Result<(Vec<RecordedEvent>, u64)> {
    let (mut events, mut looked_at) = (Vec::new(), 0);
    while let Some(row) = rows.next()? {
        if passes(row, &query.filter)? {
            events.push(recorded(row)?);
        }
        looked_at += 1;
        if events.len() == query.limit as usize || looked_at == SCANNED_MAX {
            return Ok((events, window.behind(count(row, 0)?)));
        }
    }
    Ok((events, window.end()))
}

fn passes(row: &rusqlite::Row<'_>, filter: &EventFilter) -> rusqlite::Result<bool> {
    let text = |index: usize| Ok::<_, rusqlite::Error>(row.get_ref(index)?.as_str_or_null()?);
    let of_kind = match &filter.aggregate_type {
        Some(wanted) => text(2)? == Some(wanted),
        None => true,
    };
    let by_actor = match &filter.actor {
        Some(wanted) => text(8)? == Some(wanted),
        None => true,
    };
    let correlated = filter.correlation_id.is_none() || maybe_uuid(row, 10)? == filter.correlation_id;
    let event_type = text(6)?;
    let types = &filter.event_types;
    let of_type = types.is_empty() || types.iter().any(|wanted| Some(wanted.as_str()) == event_type);
    Ok(of_kind && by_actor && correlated && of_type)
}
