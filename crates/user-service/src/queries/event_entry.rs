//! One thing that happened, with what it says if that can be read.

use std::collections::{BTreeSet, HashMap};

use cqrs::Recorded;
use eventstore::{AggregateId, BoxError, RecordedEvent};
use tracing::error;
use user_domain::{ApiTokenEvent, UserEvent};

use super::QueryError;
use crate::directory::{Directory, HistoryError, decode_token_event, happened, is_of_token, open};
use crate::vault::{self, MasterKeyError, Origin, UserKey};

/// One thing that happened.
#[derive(Clone, Debug)]
pub struct UserEventEntry {
    /// As the log holds it: its ids, and who caused it.
    pub recorded: RecordedEvent,
    /// What it says. What was personal is gone if she has been erased.
    pub event: Recorded<UserEvent>,
    /// Where the request came from, if that is known and she has not been erased.
    pub origin: Option<Origin>,
}

/// One thing that happened to a token.
#[derive(Clone, Debug)]
pub struct TokenEventEntry {
    /// As the log holds it.
    pub recorded: RecordedEvent,
    /// What it says.
    pub event: ApiTokenEvent,
}

/// One thing that happened, as lists show it: one that cannot be read is no reason not to show the others.
#[derive(Clone, Debug)]
pub enum ListedEvent {
    /// With what it says.
    Readable(Box<UserEventEntry>),
    /// It happened to a token, and says nothing about anybody.
    OfToken(Box<TokenEventEntry>),
    /// Of a type or a version that is not known here, or damaged, or under a key that nobody can unwrap.
    Unreadable(Box<RecordedEvent>),
}

impl UserEventEntry {
    /// Reads an event. Without the key of the user, what is personal of it is gone.
    pub fn of(recorded: RecordedEvent, key: Option<&UserKey>) -> Result<Self, HistoryError> {
        let opened = open(&recorded, key)?;
        let event = happened(&recorded, opened.as_ref())?;
        Ok(Self { recorded, event, origin: opened.and_then(|opened| opened.origin) })
    }
}

impl ListedEvent {
    /// As the log holds it.
    #[must_use]
    pub fn recorded(&self) -> &RecordedEvent {
        match self {
            Self::Readable(entry) => &entry.recorded,
            Self::OfToken(entry) => &entry.recorded,
            Self::Unreadable(recorded) => recorded,
        }
    }

    /// The same, as it reads once her key is gone.
    #[must_use]
    pub fn redacted(&self) -> Self {
        if let Self::OfToken(_) = self {
            return self.clone();
        }
        let recorded = self.recorded().clone();
        match UserEventEntry::of(recorded.clone(), None) {
            Ok(entry) => Self::Readable(Box::new(entry)),
            Err(_) => Self::Unreadable(Box::new(recorded)),
        }
    }
}

/// What a user's events are opened with, or why they cannot be.
type Opener = Result<UserKey, MasterKeyError>;

/// What events say, in their order. The keys are read after them: whoever has none by then has been erased.
pub async fn listed(
    directory: &Directory,
    events: Vec<RecordedEvent>,
) -> Result<Vec<ListedEvent>, QueryError> {
    let sealed = events.iter().filter(|event| event.sealed.is_some());
    let ids: BTreeSet<AggregateId> = sealed.map(|event| event.aggregate_id).collect();
    let wrapped = vault::keys(directory.store(), &ids.into_iter().collect::<Vec<_>>()).await?;
    let openers: HashMap<AggregateId, Opener> = wrapped
        .into_iter()
        .map(|(id, wrapped)| (id, UserKey::unwrap(directory.keys(), id, &wrapped)))
        .collect();
    let mut unreadable = 0_u32;
    let listed = events.into_iter().map(|event| {
        read(event.clone(), &openers).unwrap_or_else(|cause| {
            unreadable += 1;
            if unreadable == 1 {
                // Once a page: all of them may be of one user, or of one release.
                error!(position = %event.position, error = &*cause, "events cannot be read");
            }
            ListedEvent::Unreadable(Box::new(event))
        })
    });
    Ok(listed.collect())
}

fn read(event: RecordedEvent, openers: &HashMap<AggregateId, Opener>) -> Result<ListedEvent, BoxError> {
    if is_of_token(&event) {
        let happened = decode_token_event(&event)?.event;
        return Ok(ListedEvent::OfToken(Box::new(TokenEventEntry { recorded: event, event: happened })));
    }
    let key = match openers.get(&event.aggregate_id) {
        Some(Ok(key)) => Some(key),
        // Lost is not erased, and must not look like it.
        Some(Err(cause)) if event.sealed.is_some() => return Err(cause.to_string().into()),
        Some(Err(_)) | None => None,
    };
    Ok(ListedEvent::Readable(Box::new(UserEventEntry::of(event, key)?)))
}
