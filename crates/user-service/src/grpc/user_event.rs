//! One thing that happened, as callers see it: in lists, exports and feeds, and as the reason of a field.

use user_api::v1;
use user_domain::Change;

use super::user;
use crate::queries::UserEventEntry;

/// The event, with whom it happened to, who did it and what became different.
pub(super) fn shown(entry: UserEventEntry) -> v1::UserEvent {
    let UserEventEntry { recorded, event } = entry;
    v1::UserEvent {
        r#type: recorded.event_type,
        version: recorded.version.0,
        position: recorded.position.0,
        time: user::time(recorded.recorded_at),
        actor: recorded.metadata.actor.unwrap_or_default(),
        event_id: recorded.event_id.to_string(),
        request_id: recorded.metadata.request_id.map(|id| id.to_string()).unwrap_or_default(),
        changes: event.event.changes().into_iter().map(change).collect(),
        user_id: recorded.aggregate_id.to_string(),
        correlation_id: recorded.metadata.correlation_id.map(|id| id.to_string()).unwrap_or_default(),
        causation_id: recorded.metadata.causation_id.map(|id| id.to_string()).unwrap_or_default(),
        source_address: String::new(),
        user_agent: String::new(),
    }
}

fn change(change: Change) -> v1::UserEventChange {
    v1::UserEventChange {
        field: change.field.to_owned(),
        from: change.from,
        to: change.to,
        erased: change.erased,
    }
}
