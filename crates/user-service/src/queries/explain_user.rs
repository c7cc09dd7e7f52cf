//! Where does each field of a user come from? The last event that set it, and what it was before.

use std::collections::HashMap;
use std::sync::Arc;

use eventstore::{AggregateId, Position};
use user_domain::{Change, UserEvent};

use super::past::time_text;
use super::user_events::UserEvents;
use super::{Absence, QueryError, Until, UserEventEntry};
use crate::directory::Directory;
use crate::metrics::Query;

/// What is explained, in the order of the contract. A reason belongs to its suspension and is told with it.
const FIELDS: [&str; 8] =
    ["email", "username", "first_name", "last_name", "avatar_url", "status", "deleted_at", "credential"];

/// Where each field of a user comes from.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// Every field that has ever been set.
    pub fields: Vec<FieldOrigin>,
    /// The last of her events that was looked at.
    pub position: Position,
}

/// Where a field comes from.
#[derive(Clone, Debug)]
pub struct FieldOrigin {
    /// What it was and what it is.
    pub change: Change,
    /// What made it so.
    pub entry: Arc<UserEventEntry>,
}

/// What explains a user as she was at a position.
///
/// Only the event of each field is kept on the way: a long history takes time and no room.
pub async fn explain_user(
    directory: &Directory,
    id: AggregateId,
    until: Position,
) -> Result<Result<Explanation, Absence>, QueryError> {
    let _timed = directory.metrics().queries().time(Query::ExplainUser);
    let mut events = UserEvents::new(directory, id, Until::Position(until));
    let (mut origins, mut position) = (HashMap::new(), None);
    loop {
        let page = events.next_page().await?;
        if page.is_empty() {
            break;
        }
        for entry in page {
            position = Some(entry.recorded.position);
            let entry = Arc::new(entry);
            for change in changes(&entry, &origins) {
                origins.insert(change.field, FieldOrigin { change, entry: Arc::clone(&entry) });
            }
        }
    }
    let fields = FIELDS.into_iter().filter_map(|field| origins.remove(field)).collect();
    Ok(position.map(|position| Explanation { fields, position }).ok_or(events.absence))
}

/// What an event changed, with the time of deletion, which it does not name because it is its own.
fn changes(entry: &UserEventEntry, so_far: &HashMap<&'static str, FieldOrigin>) -> Vec<Change> {
    let mut changes = entry.event.event.changes();
    let deleted_at = match entry.event.event {
        UserEvent::UserDeleted(_) | UserEvent::UserErased(_) => Some(time_text(entry.recorded.recorded_at)),
        UserEvent::UserRestored(_) => None,
        UserEvent::UserCreated(_)
        | UserEvent::EmailChanged(_)
        | UserEvent::UsernameChanged(_)
        | UserEvent::ProfileUpdated(_)
        | UserEvent::PasswordChanged(_)
        | UserEvent::UserActivated(_)
        | UserEvent::UserDeactivated(_)
        | UserEvent::UserSuspended(_)
        | UserEvent::UserReinstated(_) => return changes,
    };
    let before = so_far.get("deleted_at").and_then(|origin| origin.change.to.clone());
    changes.push(Change { field: "deleted_at", from: before, to: deleted_at, erased: false });
    changes
}
