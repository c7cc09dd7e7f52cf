//! Who was she then? Her events up to a moment, folded: exact, and never behind the log.

use eventstore::AggregateId;
use user_domain::User;

use super::user_events::UserEvents;
use super::{Absence, Past, QueryError, Until};
use crate::directory::Directory;
use crate::metrics::Query;

/// A user as her events up to a bound make her.
pub async fn user_at(
    directory: &Directory,
    id: AggregateId,
    until: Until,
) -> Result<Result<Past, Absence>, QueryError> {
    let _timed = directory.metrics().queries().time(Query::UserAt);
    let (mut events, mut past) = (UserEvents::new(directory, id, until), Past::default());
    loop {
        let page = events.next_page().await?;
        if page.is_empty() {
            return Ok(if past.user == User::Absent { Err(events.absence) } else { Ok(past) });
        }
        for entry in page {
            past.evolve(&entry.event);
        }
    }
}
