//! `ListUserEvents`: what happened to one user, oldest first.

use user_api::{ApiError, v1};
use user_domain::Refusal;

use super::call::Call;
use super::fields::Fields;
use super::paging::page_size;
use super::{errors, user_event};
use crate::directory::Directory;
use crate::queries;

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
        events: page.events.into_iter().map(user_event::shown).collect(),
        next_page_token: page.next.unwrap_or_default(),
    })
}
