//! What became different about a user between two moments? Compared field by field, as `GetUser` shows her at both.

use eventstore::{AggregateId, Position};
use user_domain::{AvatarUrl, Change, LiveUser, PersonName, Status, User};

use super::past::time_text;
use super::user_events::UserEvents;
use super::{Absence, Past, QueryError, Until};
use crate::directory::Directory;
use crate::metrics::Query;

/// How a user differs between two moments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserDiff {
    /// Who.
    pub id: AggregateId,
    /// What became of her.
    pub kind: DiffKind,
    /// Field by field, in the order of the contract.
    pub changes: Vec<Change>,
}

/// What became of a user between two moments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiffKind {
    /// Nothing that shows.
    Same,
    /// She was created.
    Added,
    /// She was erased.
    Removed,
    /// She is another.
    Changed,
}

/// The difference between two positions, the earlier one first, for somebody who had been created by the later.
pub async fn diff_user(
    directory: &Directory,
    id: AggregateId,
    from: Position,
    to: Position,
) -> Result<Result<UserDiff, Absence>, QueryError> {
    let _timed = directory.metrics().queries().time(Query::DiffUser);
    let mut events = UserEvents::new(directory, id, Until::Position(to));
    let (mut earlier, mut later) = (Past::default(), Past::default());
    loop {
        let page = events.next_page().await?;
        if page.is_empty() {
            let absent = later.user == User::Absent;
            return Ok(if absent { Err(events.absence) } else { Ok(compare(id, &earlier, &later)) });
        }
        for entry in page {
            later.evolve(&entry.event);
            if entry.recorded.position <= from {
                earlier.clone_from(&later);
            }
        }
    }
}

/// How she differs between two states.
pub(super) fn compare(id: AggregateId, earlier: &Past, later: &Past) -> UserDiff {
    let changes = changes(earlier, later);
    let kind = match (Presence::of(earlier), Presence::of(later)) {
        (Presence::NotYet, Presence::There) => DiffKind::Added,
        (Presence::NotYet | Presence::There, Presence::Gone) => DiffKind::Removed,
        (Presence::There, Presence::There) if !changes.is_empty() => DiffKind::Changed,
        (Presence::NotYet | Presence::There | Presence::Gone, _) => DiffKind::Same,
    };
    UserDiff { id, kind, changes }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Presence {
    NotYet,
    There,
    Gone,
}

impl Presence {
    fn of(past: &Past) -> Self {
        match (&past.user, past.erased_at) {
            (User::Absent, _) => Self::NotYet,
            (User::Live(_), _) | (User::Erased(_), None) => Self::There,
            (User::Erased(_), Some(_)) => Self::Gone,
        }
    }
}

/// The fields of a user that are compared, by their names in the contract; the personal ones first.
const FIELDS: [&str; 7] =
    ["email", "username", "first_name", "last_name", "avatar_url", "status", "deleted_at"];

/// How many of them are personal.
const PERSONAL: usize = 5;

fn changes(earlier: &Past, later: &Past) -> Vec<Change> {
    // Nobody can tell any more which of them an event changed.
    let erased = matches!(later.user, User::Erased(_)) && earlier.user.version() != later.user.version();
    let (before, after) = (values(earlier), values(later));
    let fields = FIELDS.into_iter().zip(before.into_iter().zip(after)).enumerate();
    let compared = |(n, (field, (from, to)))| {
        if erased && n < PERSONAL {
            Change { field, from: None, to: None, erased: true }
        } else {
            Change { field, from, to, erased: false }
        }
    };
    fields.map(compared).filter(|change| change.erased || change.from != change.to).collect()
}

fn values(past: &Past) -> [Option<String>; FIELDS.len()] {
    match &past.user {
        User::Absent => Default::default(),
        User::Live(live) => live_values(live),
        User::Erased(_) => {
            let status = Some(Status::Erased.as_str().to_owned());
            [None, None, None, None, None, status, past.erased_at.map(time_text)]
        }
    }
}

fn live_values(user: &LiveUser) -> [Option<String>; FIELDS.len()] {
    [
        Some(user.email.as_str()),
        Some(user.username.as_str()),
        user.first_name.as_ref().map(PersonName::as_str),
        user.last_name.as_ref().map(PersonName::as_str),
        user.avatar_url.as_ref().map(AvatarUrl::as_str),
        Some(user.status().as_str()),
        user.deleted_at.map(time_text).as_deref(),
    ]
    .map(|value| value.map(str::to_owned))
}
