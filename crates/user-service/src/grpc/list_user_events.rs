//! `ListUserEvents`: what happened to one user, oldest first.

use user_api::{ApiError, v1};
use user_domain::{Change, Refusal};

use super::call::Call;
use super::fields::Fields;
use super::paging::page_size;
use super::{errors, user};
use crate::directory::Directory;
use crate::queries::{self, UserEventEntry};

pub(super) async fn list_user_events(
    directory: &Directory,
    _call: &Call,
    request: v1::ListUserEventsRequest,
) -> Result<v1::ListUserEventsResponse, ApiError> {
    let mut fields = Fields::default();
    let id = fields.id(&request.id);
    let size = page_size(&mut fields, request.page_size);
    fields.done()?;
    let id = id.ok_or_else(|| fields.error())?;
    let page = queries::list_user_events(directory, id.0, size, &request.page_token).await;
    let page = page.map_err(|error| errors::of_query(&error))?;
    let page = page.ok_or_else(|| errors::of_refusal(Refusal::UserNotFound))?;
    Ok(v1::ListUserEventsResponse {
        events: page.events.into_iter().map(shown).collect(),
        next_page_token: page.next.unwrap_or_default(),
    })
}

fn shown(entry: UserEventEntry) -> v1::UserEvent {
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
