//! `ListUsers`: users with certain statuses, newest first, page by page.

use user_api::{ApiError, v1};
use user_domain::Status;

use super::call::Call;
use super::fields::Fields;
use super::paging::page_size;
use super::{errors, user};
use crate::directory::Directory;
use crate::queries;

/// Who is listed when nobody says otherwise.
const UNLESS_ASKED: [Status; 3] = [Status::Active, Status::Inactive, Status::Suspended];

pub(super) async fn list_users(
    directory: &Directory,
    _call: &Call,
    request: v1::ListUsersRequest,
) -> Result<v1::ListUsersResponse, ApiError> {
    let mut fields = Fields::default();
    let size = page_size(&mut fields, request.page_size);
    let statuses = statuses(&mut fields, &request);
    fields.done()?;
    let page = queries::list_users(directory, &statuses, size, &request.page_token).await;
    let page = page.map_err(|error| errors::of_query(&error))?;
    Ok(v1::ListUsersResponse {
        users: page.users.iter().map(user::live).collect(),
        next_page_token: page.next.unwrap_or_default(),
        position: page.position.0,
    })
}

fn statuses(fields: &mut Fields, request: &v1::ListUsersRequest) -> Vec<Status> {
    let asked = request.filter.as_option().map_or(&[][..], |filter| &filter.statuses);
    let mut statuses: Vec<Status> = Vec::new();
    for status in asked {
        let known = match status.as_known() {
            Some(v1::UserStatus::Active) => Status::Active,
            Some(v1::UserStatus::Inactive) => Status::Inactive,
            Some(v1::UserStatus::Suspended) => Status::Suspended,
            Some(v1::UserStatus::Deleted) => Status::Deleted,
            Some(v1::UserStatus::Erased | v1::UserStatus::Unspecified) | None => {
                fields.wrong(
                    "filter.statuses",
                    "UNKNOWN_STATUS",
                    "must be active, inactive, suspended or deleted: nobody else can be listed",
                );
                continue;
            }
        };
        if !statuses.contains(&known) {
            statuses.push(known);
        }
    }
    if statuses.is_empty() { UNLESS_ASKED.to_vec() } else { statuses }
}
