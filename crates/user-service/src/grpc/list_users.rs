//! `ListUsers`: users with certain statuses or with something in what they are called, in any order, page by page.

use user_api::{ApiError, v1};
use user_domain::{SearchText, Status};

use super::call::Call;
use super::fields::Fields;
use super::list_users_as_of::list_users_as_of;
use super::paging::page_size;
use super::{errors, user};
use crate::directory::Directory;
use crate::queries::{self, ListQuestion};
use crate::read_model::{SortKey, Sorting, UserOrder};

/// Who is listed when nobody says otherwise.
const UNLESS_ASKED: [Status; 3] = [Status::Active, Status::Inactive, Status::Suspended];

pub(super) async fn list_users(
    directory: &Directory,
    call: &Call,
    request: v1::ListUsersRequest,
) -> Result<v1::ListUsersResponse, ApiError> {
    if request.as_of.as_option().is_some() {
        return list_users_as_of(directory, call, request).await;
    }
    let mut fields = Fields::default();
    let size = page_size(&mut fields, request.page_size);
    let question = question(&mut fields, &request);
    only_with_a_moment(&mut fields, &request);
    fields.done()?;
    let freshness = call.freshness(request.min_position);
    let page = queries::list_users(directory, &question, size, &request.page_token, freshness).await;
    let page = page.map_err(|error| errors::of_query(&error))?;
    Ok(v1::ListUsersResponse {
        users: page.users.iter().map(user::live).collect(),
        next_page_token: page.next.unwrap_or_default(),
        position: page.position.0,
        parked_users: page.parked_users,
    })
}

fn question(fields: &mut Fields, request: &v1::ListUsersRequest) -> ListQuestion {
    let search = request.filter.as_option().map_or("", |filter| &filter.query);
    ListQuestion {
        statuses: statuses(fields, request),
        search: fields.check_optional(Some(search), SearchText::parse),
        order: order(fields, &request.order_by),
    }
}

fn only_with_a_moment(fields: &mut Fields, request: &v1::ListUsersRequest) {
    let Some(filter) = request.filter.as_option() else { return };
    for (field, asked) in [("filter.email", &filter.email), ("filter.username", &filter.username)] {
        if !asked.is_empty() {
            fields.wrong(field, "ONLY_IN_THE_PAST", "goes with as_of only: GetUser finds who has it now");
        }
    }
}

fn order(fields: &mut Fields, text: &str) -> UserOrder {
    let mut words = text.split_whitespace();
    let key = match words.next() {
        None => return UserOrder::NEWEST_FIRST,
        Some("created_at") => Some(SortKey::CreatedAt),
        Some("updated_at") => Some(SortKey::UpdatedAt),
        Some("email") => Some(SortKey::Email),
        Some("username") => Some(SortKey::Username),
        Some(_) => None,
    };
    let sorting = match (words.next(), words.next()) {
        (None, _) => Some(Sorting::Ascending),
        (Some("desc"), None) => Some(Sorting::Descending),
        (Some(_), _) => None,
    };
    if let (Some(key), Some(sorting)) = (key, sorting) {
        return UserOrder { key, sorting };
    }
    let rule = "must be created_at, updated_at, email or username, and perhaps desc behind it";
    fields.wrong("order_by", "UNKNOWN_ORDER", rule);
    UserOrder::NEWEST_FIRST
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
