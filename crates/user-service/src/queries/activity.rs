//! How much happens, how many there are, and where they come from?

use eventstore::Position;
use jiff::civil::Date;
use user_domain::Status;

use super::{Freshness, QueryError};
use crate::directory::Directory;
use crate::metrics::Query;
use crate::projections::USER_ACTIVITY;
use crate::read_model::{self, EventsOfDay, UsersOfDomain};

/// From which day to which, UTC, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Days {
    /// The first.
    pub from: Date,
    /// The last.
    pub until: Date,
}

/// The figures.
#[derive(Clone, Debug)]
pub struct Activity {
    /// By day and type; a day on which nothing happened is left out.
    pub events: Vec<EventsOfDay>,
    /// At the end of every day, in the order of [`Status::ALL`].
    pub users: Vec<(Date, [u64; 5])>,
    /// Most users first.
    pub domains: Vec<UsersOfDomain>,
    /// Everything up to here is counted.
    pub position: Position,
}

/// What a dashboard wants.
pub async fn activity(
    directory: &Directory,
    days: Days,
    domains_max: u32,
    freshness: Freshness,
) -> Result<Activity, QueryError> {
    let position = freshness.of_projection(directory, USER_ACTIVITY.name).await?.position;
    let _timed = directory.metrics().queries().time(Query::Activity);
    let store = directory.store();
    let (from, until) = (days.from.to_string(), days.until.to_string());
    Ok(Activity {
        events: read_model::events_by_day(store, &from, &until).await?,
        users: users_by_day(directory, days, &from, &until).await?,
        domains: read_model::top_domains(store, domains_max).await?,
        position,
    })
}

/// How many there were before, and what each day added.
async fn users_by_day(
    directory: &Directory,
    days: Days,
    from: &str,
    until: &str,
) -> Result<Vec<(Date, [u64; 5])>, QueryError> {
    let mut users = [0_i64; 5];
    for (status, before) in read_model::users_before(directory.store(), from).await? {
        users[index(status)] += before;
    }
    let changes = read_model::changes_by_day(directory.store(), from, until).await?;
    let mut changes = changes.into_iter().peekable();
    let mut by_day = Vec::new();
    for day in days.from.series(jiff::Span::new().days(1)).take_while(|day| *day <= days.until) {
        let name = day.to_string();
        while let Some(change) = changes.next_if(|change| change.day == name) {
            users[index(change.status)] += change.change;
        }
        // Below nothing only while two reads of different moments meet.
        by_day.push((day, users.map(|count| u64::try_from(count).unwrap_or(0))));
    }
    Ok(by_day)
}

fn index(status: Status) -> usize {
    match status {
        Status::Active => 0,
        Status::Inactive => 1,
        Status::Suspended => 2,
        Status::Deleted => 3,
        Status::Erased => 4,
    }
}
