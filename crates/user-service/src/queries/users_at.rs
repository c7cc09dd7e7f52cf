//! Who was there then? The directory as it was, newest first: each page shows the same position, whatever is written.

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
const READS_MAX: usize = 8;

/// Looking at everybody is worth it while one in so many is listed.
const ONE_IN: usize = 4;

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
    let mut look = if statuses.contains(&Status::Active) { Look::AtEverybody } else { Look::ByStatus };
    let (mut users, mut next) = (Vec::new(), Some(mark.before));
    for _ in 0..READS_MAX {
        let (Some(before), left) = (next, page.size as usize - users.len()) else { break };
        let part = match look {
            Look::AtEverybody => {
                everybody(directory, statuses, Bookmark { before, ..mark }, left + 1).await?
            }
            Look::ByStatus => by_status(directory, statuses, Bookmark { before, ..mark }, left + 1).await?,
        };
        let more = part.found.len() > left;
        let last = left.checked_sub(1).filter(|_| more).map(|last| part.found[last].0);
        users.extend(part.found.into_iter().take(left).map(|(_, user)| user));
        if more {
            next = Some(last.unwrap_or(before));
            break;
        }
        (look, next) = (part.look, part.next);
    }
    let token = |before| page.binding.issue(directory.root(), &Bookmark { before, ..mark }.bytes());
    let next = next.map(token);
    Ok(PastPage { users, next, position: mark.at, parked_users: view.parked_users })
}

/// How those are found who belong on a page. Most users are active in most directories: then nearly everybody belongs
/// there, and is looked at in turn. Whoever asks for what is rare is answered by the status.
#[derive(Clone, Copy)]
enum Look {
    AtEverybody,
    ByStatus,
}

/// What one read has come to.
struct Part {
    /// With where each was created; the newest first.
    found: Vec<(Position, Past)>,
    /// Behind whom to go on, if there may be more.
    next: Option<Position>,
    /// How to go on.
    look: Look,
}

/// Of the newest before a bookmark those with one of the statuses: as many as are wanted, if most have one.
async fn everybody(
    directory: &Directory,
    statuses: &[Status],
    mark: Bookmark,
    wanted: usize,
) -> Result<Part, QueryError> {
    let limit = wanted + wanted / ONE_IN;
    let mut found = states::everybody(directory.store(), mark.at, mark.before, limit).await?;
    let looked_at = found.len();
    let next = found.last().filter(|_| looked_at == limit).map(|(created, _)| *created);
    found.retain(|(_, user)| user.user.status().is_some_and(|status| statuses.contains(&status)));
    let look = if found.len() * ONE_IN < looked_at { Look::ByStatus } else { Look::AtEverybody };
    Ok(Part { found, next, look })
}

/// The newest of those with one of the statuses who were created within the stretch before a bookmark.
async fn by_status(
    directory: &Directory,
    statuses: &[Status],
    mark: Bookmark,
    wanted: usize,
) -> Result<Part, QueryError> {
    let since = Position(mark.before.0.saturating_sub(STRETCH));
    let newcomers = Newcomers { since, before: mark.before };
    let found = states::page(directory.store(), statuses, mark.at, newcomers, wanted).await?;
    let next = if found.len() < wanted {
        states::newest_before(directory.store(), statuses, since).await?
    } else {
        None // somebody further down ends the page
    };
    Ok(Part { found, next, look: Look::ByStatus })
}
