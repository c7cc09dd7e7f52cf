//! `ListUsers`: users with certain statuses or with something in what they are called, in any order, page by page.

use user_api::{ApiError, v1};
use user_domain::{Email, SearchText, Status, Username};

use super::call::Call;
use super::fields::Fields;
use super::list_users_as_of::list_users_as_of;
use super::paging::page_size;
use super::{errors, user};
use crate::directory::Directory;
use crate::queries::{self, Freshness, ListQuestion, Total};
use crate::read_model::{CreatedBetween, SortKey, Sorting, UserOrder};

/// Who is listed when nobody says otherwise.
const UNLESS_ASKED: [Status; 3] = [Status::Active, Status::Inactive, Status::Suspended];

/// Why there is no total.
pub(super) const TOO_COSTLY: &str = "TOTAL_TOO_COSTLY";

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
    fields.done()?;
    let freshness = call.freshness(request.min_position);
    let page = queries::list_users(directory, &question, size, &request.page_token, freshness).await;
    let page = page.map_err(|error| errors::of_query(&error))?;
    let total =
        if request.include_total { Some(total(directory, &question, freshness).await?) } else { None };
    let (total_size, total_position, total_refused) = match total {
        Some(Total::Users { count, position }) => (Some(count), position.0, String::new()),
        Some(Total::TooCostly) => (None, 0, TOO_COSTLY.to_owned()),
        None => (None, 0, String::new()),
    };
    Ok(v1::ListUsersResponse {
        users: page.users.iter().map(user::live).collect(),
        next_page_token: page.next.unwrap_or_default(),
        position: page.position.0,
        parked_users: page.parked_users,
        total_size,
        total_position,
        total_refused,
    })
}

async fn total(
    directory: &Directory,
    question: &ListQuestion,
    freshness: Freshness,
) -> Result<Total, ApiError> {
    queries::count_users(directory, question, freshness).await.map_err(|error| errors::of_query(&error))
}

fn question(fields: &mut Fields, request: &v1::ListUsersRequest) -> ListQuestion {
    let filter = request.filter.as_option();
    let search = filter.map_or("", |filter| &filter.query);
    let (email, username) = filter.map_or(("", ""), |filter| (&filter.email, &filter.username));
    ListQuestion {
        statuses: statuses(fields, request),
        search: fields.check_optional(Some(search), SearchText::parse),
        email: fields.check_filter("filter.email", email, Email::parse),
        username: fields.check_filter("filter.username", username, Username::sought),
        created: created(fields, filter),
        order: order(fields, &request.order_by),
    }
}

fn created(fields: &mut Fields, filter: Option<&v1::ListUsersFilter>) -> CreatedBetween {
    let Some(filter) = filter else { return CreatedBetween::default() };
    let from = fields.time("filter.created_from", filter.created_from.as_option());
    let until = fields.time("filter.created_until", filter.created_until.as_option());
    if from.zip(until).is_some_and(|(from, until)| from >= until) {
        fields.wrong("filter.created_until", "EMPTY_PERIOD", "must be later than created_from");
    }
    CreatedBetween::new(from, until)
}

pub(super) fn order(fields: &mut Fields, text: &str) -> UserOrder {
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
