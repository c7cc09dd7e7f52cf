//! `ListUserEvents`: what happened to one user, oldest first unless asked otherwise.

use eventstore::Direction;
use user_api::{ApiError, v1};
use user_domain::Refusal;

use super::call::Call;
use super::fields::Fields;
use super::paging::page_size;
use super::write::bytes_of;
use super::{errors, event_filter, user_event};
use crate::directory::Directory;
use crate::queries::{self, PageOf, PageToken};

pub(super) async fn list_user_events(
    directory: &Directory,
    _call: &Call,
    mut request: v1::ListUserEventsRequest,
) -> Result<v1::ListUserEventsResponse, ApiError> {
    let mut fields = Fields::default();
    let id = fields.id(&request.id);
    let size = page_size(&mut fields, std::mem::take(&mut request.page_size));
    let asked = request.filter.as_option();
    if asked.is_some_and(|filter| !filter.user_ids.is_empty()) {
        fields.wrong("filter.user_ids", "NOT_FOR_ONE_USER", "must be empty: the user is named by id");
    }
    let question = event_filter::question(&mut fields, asked, request.order, Direction::OldestFirst);
    fields.done()?;
    let id = id.ok_or_else(|| fields.error())?;
    let token = std::mem::take(&mut request.page_token);
    let binding = PageToken { method: "ListUserEvents", question: &bytes_of(&request) };
    let page = PageOf { size, token: &token, binding };
    let page = queries::list_user_events(directory, id.0, &question, page).await;
    let page = page.map_err(|error| errors::of_query(&error))?;
    let page = page.ok_or_else(|| errors::of_refusal(Refusal::UserNotFound))?;
    Ok(v1::ListUserEventsResponse {
        events: page.events.into_iter().map(user_event::listed).collect(),
        next_page_token: page.next.unwrap_or_default(),
    })
}
