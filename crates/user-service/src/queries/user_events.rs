//! A user's events in order, page by page, as far as a moment: what looks at her past are folded from.
//!
//! However long her history, one page of it is held at a time.

use cqrs::Decider;
use eventstore::{AggregateId, Position, ReadError, RecordedEvent, Version};
use user_domain::Users;

use super::{Absence, QueryError, UserEventEntry};
use crate::directory::Directory;
use crate::vault::{self, UserKey};

/// How many events of one user are read at once: half a megabyte, if each is as large as events are.
const PAGE: u32 = 500;

/// How far a history is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// Up to this position of the log.
    Position(Position),
    /// Up to this version of the user.
    Version(Version),
}

impl Until {
    fn includes(self, event: &RecordedEvent) -> bool {
        match self {
            Self::Position(position) => event.position <= position,
            Self::Version(version) => event.version <= version,
        }
    }
}

/// The reader.
#[derive(Debug)]
pub(super) struct UserEvents<'a> {
    directory: &'a Directory,
    id: AggregateId,
    until: Until,
    read: Version,
    key: Opener,
    over: bool,
    /// Why there is nobody, if none of her events is within the bound.
    pub(super) absence: Absence,
}

/// What opens her events. Asked for after the first of them: who has events and no key has been erased.
#[derive(Debug)]
enum Opener {
    Unknown,
    Key(UserKey),
    Erased,
}

impl<'a> UserEvents<'a> {
    pub(super) fn new(directory: &'a Directory, id: AggregateId, until: Until) -> Self {
        let (read, key) = (Version::NONE, Opener::Unknown);
        Self { directory, id, until, read, key, over: false, absence: Absence::Never }
    }

    /// The next of her events; none when there are no more.
    pub(super) async fn next_page(&mut self) -> Result<Vec<UserEventEntry>, QueryError> {
        if self.over {
            return Ok(Vec::new());
        }
        let mut page = self.directory.store().stream(self.id, self.read, PAGE).await?;
        // A token has events under its id, and is nobody.
        page.retain(|event| event.aggregate_type == Users::AGGREGATE_TYPE);
        if !page.is_empty() {
            self.absence = Absence::NotYet;
        }
        page.retain(|event| self.until.includes(event));
        self.over = page.len() < PAGE as usize;
        let Some(last) = page.last() else { return Ok(Vec::new()) };
        self.read = last.version;
        if matches!(self.key, Opener::Unknown) {
            self.key = self.opener().await?;
        }
        let key = match &self.key {
            Opener::Key(key) => Some(key),
            Opener::Unknown | Opener::Erased => None,
        };
        let entries = page.into_iter().map(|recorded| UserEventEntry::of(recorded, key));
        Ok(entries.collect::<Result<_, _>>()?)
    }

    /// A user whose key is lost is not one who has been erased, and must not look like one.
    async fn opener(&self) -> Result<Opener, QueryError> {
        let store = self.directory.store();
        if let Some(wrapped) = vault::key(store, self.id).await? {
            return Ok(Opener::Key(UserKey::unwrap(self.directory.keys(), self.id, &wrapped)?));
        }
        match store.stream_head(self.id).await? {
            Some(last) if last.event_type == "user.erased" => Ok(Opener::Erased),
            Some(_) | None => {
                Err(ReadError::Corrupt(format!("user {} has events and no key: run doctor", self.id)).into())
            }
        }
    }
}
