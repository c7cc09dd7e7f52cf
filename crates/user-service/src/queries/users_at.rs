//! Who was there then? The directory as it was, newest first: each page shows the same position, whatever is written.

use std::cmp::Reverse;

use eventstore::{Deadline, Position};
use user_domain::Status;

use super::projected::history_shows;
use super::states::{self, Newcomers};
use super::{Moment, PageOf, Past, QueryError, position_at};
use crate::directory::Directory;
use crate::metrics::Query;

/// How much of the log one read looks through for newcomers, and how many reads a page takes at most. Whoever asks for what
/// hardly anybody was gets a short page and a token, and no read lasts long.
const STRETCH: u64 = 200_000;
const STRETCHES_MAX: usize = 8;

/// A page of users as they were.
#[derive(Clone, Debug)]
pub struct PastPage {
    /// Newest first.
    pub users: Vec<Past>,
    /// For the next page; `None` when this is the last.
    pub next: Option<String>,
    /// What it shows.
    pub position: Position,
    /// But for these users, of whom the history could not take everything.
    pub parked_users: u64,
}

/// Where a list stands: the position that all of its pages show, and where the last user of a page was created.
#[derive(Clone, Copy)]
struct Bookmark {
    at: Position,
    before: Position,
}

impl Bookmark {
    fn of_bytes(bytes: [u8; 16]) -> Self {
        let both = u128::from_be_bytes(bytes);
        let [at, before] = [both >> 64, both & u128::from(u64::MAX)];
        let position = |half: u128| Position(u64::try_from(half).expect("it is half as long"));
        Self { at: position(at), before: position(before) }
    }

    fn bytes(self) -> [u8; 16] {
        ((u128::from(self.at.0) << 64) | u128::from(self.before.0)).to_be_bytes()
    }
}

/// Users as they were, with one of these statuses. Whoever has been erased since has no other than erased.
///
/// A moment becomes a position for the first page; the token carries it to the others.
pub async fn users_at(
    directory: &Directory,
    moment: Moment,
    statuses: &[Status],
    page: PageOf<'_>,
    deadline: Deadline,
) -> Result<PastPage, QueryError> {
    let _timed = directory.metrics().queries().time(Query::UsersAt);
    let mark = if let Some(bytes) = page.binding.read(directory.root(), page.token)? {
        Bookmark::of_bytes(bytes)
    } else {
        let at = position_at(directory, moment).await?;
        Bookmark { at, before: Position(at.0 + 1) }
    };
    let view = history_shows(directory, mark.at, deadline).await?;
    let (mut users, mut next) = (Vec::new(), Some(mark.before));
    for _ in 0..STRETCHES_MAX {
        let (Some(before), left) = (next, page.size as usize - users.len()) else { break };
        let mut found = newest(directory, statuses, Bookmark { at: mark.at, before }, left + 1).await?;
        if found.len() > left {
            found.truncate(left);
            next = found.last().map(|(created, _)| *created).or(next);
            users.extend(found.into_iter().map(|(_, user)| user));
            break;
        }
        users.extend(found.into_iter().map(|(_, user)| user));
        next = states::newest_before(directory.store(), statuses, since(before)).await?;
    }
    let token = |before| page.binding.issue(directory.root(), &Bookmark { at: mark.at, before }.bytes());
    let next = next.map(token);
    Ok(PastPage { users, next, position: mark.at, parked_users: view.parked_users })
}

fn since(before: Position) -> Position {
    Position(before.0.saturating_sub(STRETCH))
}

/// The newest of those who were created within the stretch before a bookmark, with where each was created.
///
/// Most users are active in most directories. When they fill the page, the others are only looked for down to where it
/// ends: without that, a page would look through every suspension there ever was.
async fn newest(
    directory: &Directory,
    statuses: &[Status],
    mark: Bookmark,
    limit: usize,
) -> Result<Vec<(Position, Past)>, QueryError> {
    let (active, others): (Vec<Status>, Vec<Status>) =
        statuses.iter().copied().partition(|status| *status == Status::Active);
    let mut newcomers = Newcomers { since: since(mark.before), before: mark.before };
    let mut found = Vec::new();
    for statuses in [active, others] {
        if statuses.is_empty() {
            continue;
        }
        found.extend(states::page(directory.store(), &statuses, mark.at, newcomers, limit).await?);
        if let Some((created, _)) = found.get(limit - 1) {
            newcomers.since = *created;
        }
    }
    found.sort_by_key(|(created, _)| Reverse(*created));
    found.truncate(limit);
    Ok(found)
}
