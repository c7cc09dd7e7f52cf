//! What happened to anybody? From the log, in the order of positions, from either end.

use eventstore::{Position, RecordedEvent};

use super::event_walk::EventWalk;
use super::{EventQuestion, EventsPage, PageOf, QueryError, listed};
use crate::directory::Directory;
use crate::metrics::Query;

/// How often the log is read for one page. A read with a filter ends after so many positions whatever it found.
const READS_MAX: u32 = 8;

/// A page of the log.
pub async fn list_events(
    directory: &Directory,
    question: &EventQuestion,
    page: PageOf<'_>,
) -> Result<EventsPage, QueryError> {
    let _timed = directory.metrics().queries().time(Query::ListEvents);
    let from = page.binding.read(directory.root(), page.token)?.map(u64::from_be_bytes).map(Position);
    let mut walk = EventWalk::begin(directory.store(), question, from).await?;
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
