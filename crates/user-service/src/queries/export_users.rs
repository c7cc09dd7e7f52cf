//! All users as they were at one moment, for whoever wants to take them away: pages of the history as of a position, so that
//! it costs no memory and holds no transaction, however many they are and however slowly they are taken.

use std::time::{Duration, Instant};

use eventstore::{Deadline, Position};
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;
use user_domain::{LiveUser, Status, User};
use uuid::Uuid;

use super::projected::history_shows;
use super::states::{Ids, users_by_id};
use super::{ExportError, Exports, Moment, PageToken, QueryError, position_at};
use crate::directory::Directory;

/// How many users are read at once: some 150 KiB as they are told.
const PAGE: u32 = 500;

/// A projection that has been at a position is there again as soon as a rebuilt one takes its place.
const VIEW_MAX: Duration = Duration::from_secs(5);

/// Which users, and of which moment.
#[derive(Clone, Debug)]
pub struct UserExportQuestion {
    /// As they were then; as they are, if `None`.
    pub moment: Option<Moment>,
    /// With one of these. Whoever is erased is in no export.
    pub statuses: Vec<Status>,
    /// The request as bytes, without its token: a token belongs to one question.
    pub binding: Vec<u8>,
}

/// One export on its way.
#[derive(Debug)]
pub struct UserExport {
    directory: Directory,
    question: UserExportQuestion,
    mark: Bookmark,
    over: bool,
    stop: CancellationToken,
    _place: OwnedSemaphorePermit,
}

/// What one read brought.
#[derive(Clone, Debug)]
pub struct UserExportPart {
    /// In the order of their ids; perhaps none.
    pub users: Vec<LiveUser>,
    /// What it shows.
    pub position: Position,
    /// Names the place behind these users.
    pub resume_token: String,
    /// But for these users, of whom the history could not take everything.
    pub parked_users: u64,
    /// Nobody follows.
    pub last: bool,
}

/// Where an export stands.
#[derive(Clone, Copy, Debug)]
struct Bookmark {
    at: Position,
    after: Uuid,
}

impl Bookmark {
    fn of_bytes(bytes: [u8; 24]) -> Option<Self> {
        let (at, after) = bytes.split_first_chunk()?;
        Some(Self { at: Position(u64::from_be_bytes(*at)), after: Uuid::from_slice(after).ok()? })
    }

    fn bytes(self) -> Vec<u8> {
        [&self.at.0.to_be_bytes()[..], self.after.as_bytes()].concat()
    }
}

impl UserExportQuestion {
    fn token(&self) -> PageToken<'_> {
        PageToken { method: "ExportUsers", question: &self.binding }
    }
}

impl Exports {
    /// Begins an export of users, or goes on with one behind the place that a token names. Waits until the history shows
    /// the moment.
    pub async fn begin_users(
        &self,
        question: UserExportQuestion,
        token: &str,
        deadline: Deadline,
    ) -> Result<UserExport, ExportError> {
        let place = self.place()?;
        let root = self.directory.root();
        let mark = question.token().read(root, token).map_err(QueryError::from)?.and_then(Bookmark::of_bytes);
        let mark = match mark {
            Some(mark) => mark,
            None => Bookmark { at: begin(&self.directory, question.moment).await?, after: Uuid::nil() },
        };
        history_shows(&self.directory, mark.at, deadline).await?;
        let (directory, stop) = (self.directory.clone(), self.stop.clone());
        Ok(UserExport { directory, question, mark, over: false, stop, _place: place })
    }
}

async fn begin(directory: &Directory, moment: Option<Moment>) -> Result<Position, QueryError> {
    match moment {
        Some(moment) => position_at(directory, moment).await,
        None => Ok(directory.store().head().await?.position),
    }
}

impl UserExport {
    /// One read; `None` at the end. There is at least one, also when there is nobody.
    pub async fn next(&mut self) -> Result<Option<UserExportPart>, ExportError> {
        if self.over {
            return Ok(None);
        }
        if self.stop.is_cancelled() {
            return Err(ExportError::Stopping);
        }
        let (store, at) = (self.directory.store(), self.mark.at);
        let view = history_shows(&self.directory, at, Deadline(Instant::now() + VIEW_MAX)).await?;
        let page =
            users_by_id(store, Ids::After(self.mark.after), at, PAGE).await.map_err(QueryError::from)?;
        self.over = page.len() < PAGE as usize;
        self.mark.after = page.last().and_then(id_of).unwrap_or(self.mark.after);
        let wanted = |user: &LiveUser| self.question.statuses.contains(&user.status());
        Ok(Some(UserExportPart {
            users: page.into_iter().filter_map(live).filter(wanted).collect(),
            position: at,
            resume_token: self.question.token().issue(self.directory.root(), &self.mark.bytes()),
            parked_users: view.parked_users,
            last: self.over,
        }))
    }
}

/// Of whoever has been erased since there is nothing to take away.
fn live(user: User) -> Option<LiveUser> {
    match user {
        User::Live(user) => Some(*user),
        User::Absent | User::Erased(_) => None,
    }
}

fn id_of(user: &User) -> Option<Uuid> {
    match user {
        User::Absent => None,
        User::Live(user) => Some(user.id.0),
        User::Erased(user) => Some(user.id.0),
    }
}
