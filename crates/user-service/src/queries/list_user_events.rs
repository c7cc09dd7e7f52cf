//! What happened to her, when, and by whom? Straight from the log: it is the audit trail.

use cqrs::Recorded;
use eventstore::{AggregateId, RecordedEvent, Version};
use user_domain::UserEvent;
use uuid::Uuid;

use super::{PageToken, QueryError};
use crate::directory::{Directory, decode};
use crate::vault::{self, UserKey};

/// One thing that happened.
#[derive(Clone, Debug)]
pub struct UserEventEntry {
    /// As the log holds it: its ids, and who caused it.
    pub recorded: RecordedEvent,
    /// What it says. What was personal is gone if she has been erased.
    pub event: Recorded<UserEvent>,
}

/// A page of what happened.
#[derive(Clone, Debug)]
pub struct UserEventPage {
    /// Oldest first.
    pub events: Vec<UserEventEntry>,
    /// For the next page; `None` when this is the last.
    pub next: Option<String>,
}

/// The history of a user, at most `size` events of it; `None` when there never was such a user.
pub async fn list_user_events(
    directory: &Directory,
    id: Uuid,
    size: u32,
    token: &str,
) -> Result<Option<UserEventPage>, QueryError> {
    let binding = PageToken { method: "ListUserEvents", question: id.as_bytes() };
    let after = binding
        .read(directory.root(), token)?
        .map_or(Version::NONE, |after| Version(u64::from_be_bytes(after)));
    let id = AggregateId(id);
    let wrapped = vault::key(directory.store(), id).await?;
    let key = wrapped.map(|wrapped| UserKey::unwrap(directory.keys(), id, &wrapped)).transpose()?;
    let mut page = directory.store().stream(id, after, size + 1).await?;
    if page.is_empty() && after == Version::NONE {
        return Ok(None);
    }
    let more = page.len() > size as usize;
    page.truncate(size as usize);
    let last = page.last().filter(|_| more);
    let next = last.map(|event| binding.issue(directory.root(), &event.version.0.to_be_bytes()));
    let entry = |recorded: RecordedEvent| {
        decode(&recorded, key.as_ref()).map(|event| UserEventEntry { recorded, event })
    };
    Ok(Some(UserEventPage { events: page.into_iter().map(entry).collect::<Result<_, _>>()?, next }))
}
