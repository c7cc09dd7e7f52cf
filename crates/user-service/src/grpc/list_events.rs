//! `ListEvents`: what happened to all users, newest first unless asked otherwise.

use eventstore::Direction;
use user_api::{ApiError, v1};

use super::call::Call;
use super::fields::Fields;
use super::paging::page_size;
use super::write::bytes_of;
use super::{errors, event_filter, user_event};
use crate::directory::Directory;
use crate::queries::{self, PageOf, PageToken};

pub(super) async fn list_events(
    directory: &Directory,
    _call: &Call,
    mut request: v1::ListEventsRequest,
) -> Result<v1::ListEventsResponse, ApiError> {
    let mut fields = Fields::default();
    let size = page_size(&mut fields, std::mem::take(&mut request.page_size));
    let asked = request.filter.as_option();
    let question = event_filter::question(&mut fields, asked, request.order, Direction::NewestFirst);
    fields.done()?;
    let token = std::mem::take(&mut request.page_token);
    let binding = PageToken { method: "ListEvents", question: &bytes_of(&request) };
    let page = queries::list_events(directory, &question, PageOf { size, token: &token, binding }).await;
    let page = page.map_err(|error| errors::of_query(&error))?;
    Ok(v1::ListEventsResponse {
        events: page.events.into_iter().map(user_event::listed).collect(),
        next_page_token: page.next.unwrap_or_default(),
    })
}
