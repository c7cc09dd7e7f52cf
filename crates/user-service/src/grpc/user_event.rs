//! One thing that happened, as callers see it: in lists, exports and feeds, and as the reason of a field. It happened to a
//! user, or to a token.

use eventstore::RecordedEvent;
use user_api::v1;
use user_domain::Change;
use uuid::Uuid;

use super::user;
use crate::directory::is_of_token;
use crate::queries::{ListedEvent, TokenEventEntry, UserEventEntry};
use crate::vault::Origin;

/// The event, with whom it happened to, who did it and what became different.
pub(super) fn shown(entry: UserEventEntry) -> v1::UserEvent {
    let UserEventEntry { recorded, event, origin } = entry;
    let Origin { source_address, user_agent } = origin.unwrap_or_default();
    v1::UserEvent {
        changes: event.event.changes().into_iter().map(change).collect(),
        source_address: source_address.unwrap_or_default(),
        user_agent: user_agent.unwrap_or_default(),
        ..outline(recorded)
    }
}

/// The event as lists show it. One that cannot be read says so, and what stands beside it all the same.
pub(super) fn listed(event: ListedEvent) -> v1::UserEvent {
    match event {
        ListedEvent::Readable(entry) => shown(*entry),
        ListedEvent::OfToken(entry) => {
            let TokenEventEntry { recorded, event } = *entry;
            v1::UserEvent { changes: event.changes().into_iter().map(change).collect(), ..outline(recorded) }
        }
        ListedEvent::Unreadable(recorded) => v1::UserEvent { unreadable: true, ..outline(*recorded) },
    }
}

/// What can be told of an event without reading it.
fn outline(recorded: RecordedEvent) -> v1::UserEvent {
    let id = |id: Option<Uuid>| id.map(|id| id.to_string()).unwrap_or_default();
    let subject = recorded.aggregate_id.to_string();
    let (user_id, api_token_id) =
        if is_of_token(&recorded) { (String::new(), subject) } else { (subject, String::new()) };
    v1::UserEvent {
        r#type: recorded.event_type,
        version: recorded.version.0,
        position: recorded.position.0,
        time: user::time(recorded.recorded_at),
        actor: recorded.metadata.actor.unwrap_or_default(),
        event_id: recorded.event_id.to_string(),
        request_id: id(recorded.metadata.request_id),
        user_id,
        api_token_id,
        correlation_id: id(recorded.metadata.correlation_id),
        causation_id: id(recorded.metadata.causation_id),
        ..v1::UserEvent::default()
    }
}

/// A field before and after.
pub(super) fn change(change: Change) -> v1::UserEventChange {
    v1::UserEventChange {
        field: change.field.to_owned(),
        from: change.from,
        to: change.to,
        erased: change.erased,
    }
}
