//! `DiffUsers`: which users became different between two moments, page by page.

use user_api::{ApiError, v1};

use super::call::Call;
use super::fields::Fields;
use super::paging::page_size;
use super::write::bytes_of;
use super::{as_of, diff_user, errors};
use crate::directory::Directory;
use crate::queries::{self, DiffMark, Moment, PageOf, PageToken, QueryError};

pub(super) async fn diff_users(
    directory: &Directory,
    call: &Call,
    mut request: v1::DiffUsersRequest,
) -> Result<v1::DiffUsersResponse, ApiError> {
    let mut fields = Fields::default();
    let size = page_size(&mut fields, std::mem::take(&mut request.page_size));
    let from = fields.required_moment("from", &request.from);
    let to = fields.moment("to", &request.to);
    fields.done()?;
    let from = from.ok_or_else(|| fields.error())?;
    let token = std::mem::take(&mut request.page_token);
    let binding = PageToken { method: "DiffUsers", question: &bytes_of(&request) };
    let page = PageOf { size, token: &token, binding };
    let mark = mark(directory, page, from, to).await?;
    let found = queries::diff_users(directory, mark, page, call.deadline).await;
    let found = found.map_err(|failure| errors::of_query(&failure))?;
    Ok(v1::DiffUsersResponse {
        parked_users: found.parked_users,
        diffs: found.diffs.into_iter().map(diff_user::shown).collect(),
        next_page_token: found.next.unwrap_or_default(),
        from_position: mark.from.0,
        to_position: mark.to.0,
    })
}

/// Moments become positions for the first page; the token carries them to the others.
async fn mark(
    directory: &Directory,
    page: PageOf<'_>,
    from: Moment,
    to: Option<Moment>,
) -> Result<DiffMark, ApiError> {
    let of_token = DiffMark::of_token(directory, page);
    if let Some(mark) = of_token.map_err(|bad| errors::of_query(&QueryError::BadToken(bad)))? {
        return Ok(mark);
    }
    let (from, to) = as_of::span(directory, from, to).await?;
    Ok(DiffMark::begin(from, to))
}
