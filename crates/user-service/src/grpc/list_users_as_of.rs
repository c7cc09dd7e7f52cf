//! `ListUsers` with `as_of`: the directory as it was, the same on every page.

use user_api::{ApiError, v1};
use user_domain::{Email, Scope, Status, Username};

use super::call::Call;
use super::fields::Fields;
use super::list_users::TOO_COSTLY;
use super::paging::page_size;
use super::write::bytes_of;
use super::{as_of, errors, user};
use crate::directory::Directory;
use crate::queries::{self, BadToken, Moment, Owned, PageOf, PageToken, Past, QueryError};

/// Who is listed when nobody says otherwise: as today, neither the deleted nor the erased.
const UNLESS_ASKED: [Status; 3] = [Status::Active, Status::Inactive, Status::Suspended];

/// What is asked for.
struct Question {
    moment: Moment,
    statuses: Vec<Status>,
    email: Option<Email>,
    username: Option<Username>,
}

pub(super) async fn list_users_as_of(
    directory: &Directory,
    call: &Call,
    mut request: v1::ListUsersRequest,
) -> Result<v1::ListUsersResponse, ApiError> {
    let mut fields = Fields::default();
    let size = page_size(&mut fields, std::mem::take(&mut request.page_size));
    let question = question(&mut fields, &request);
    fields.done()?;
    let question = question.ok_or_else(|| fields.error())?;
    call.require(Scope::Audit)?;
    let total_refused = refusal(std::mem::take(&mut request.include_total));
    let token = std::mem::take(&mut request.page_token);
    let binding = PageToken { method: "ListUsers as of", question: &bytes_of(&request) };
    let page = PageOf { size, token: &token, binding };
    if question.email.is_some() || question.username.is_some() {
        // They are on one page.
        if !token.is_empty() {
            return Err(errors::of_query(&QueryError::BadToken(BadToken)));
        }
        let found = owners(directory, call, &question).await?;
        return Ok(v1::ListUsersResponse { total_refused, ..found });
    }
    let found = queries::users_at(directory, question.moment, &question.statuses, page, call.deadline).await;
    let found = found.map_err(|failure| as_of::blamed("as_of", &failure))?;
    Ok(v1::ListUsersResponse {
        users: found.users.iter().filter_map(shown).collect(),
        next_page_token: found.next.unwrap_or_default(),
        position: found.position.0,
        parked_users: found.parked_users,
        total_refused,
        ..Default::default()
    })
}

/// Nobody has counted the users of the past.
fn refusal(total_is_asked_for: bool) -> String {
    if total_is_asked_for { TOO_COSTLY.to_owned() } else { String::new() }
}

fn question(fields: &mut Fields, request: &v1::ListUsersRequest) -> Option<Question> {
    let moment = fields.moment("as_of", &request.as_of);
    if !["", "created_at desc"].contains(&request.order_by.as_str()) {
        fields.wrong("order_by", "NOT_IN_THE_PAST", "with as_of, users are listed newest first");
    }
    if request.min_position.is_some() {
        fields.wrong("min_position", "NOT_IN_THE_PAST", "as_of says what the answer shows");
    }
    let filter = request.filter.as_option().cloned().unwrap_or_default();
    if !filter.query.is_empty() {
        fields.wrong("filter.query", "NOT_IN_THE_PAST", "only the users of today can be searched");
    }
    for (field, asked) in
        [("filter.created_from", &filter.created_from), ("filter.created_until", &filter.created_until)]
    {
        if asked.as_option().is_some() {
            fields.wrong(field, "NOT_IN_THE_PAST", "only the users of today are listed by their creation");
        }
    }
    let email = fields.check_filter("filter.email", &filter.email, Email::parse);
    let username = fields.check_filter("filter.username", &filter.username, Username::sought);
    let statuses = statuses(fields, &filter);
    Some(Question { moment: moment?, statuses, email, username })
}

fn statuses(fields: &mut Fields, filter: &v1::ListUsersFilter) -> Vec<Status> {
    let mut statuses = Vec::new();
    for status in &filter.statuses {
        let known = match status.as_known() {
            Some(v1::UserStatus::Active) => Status::Active,
            Some(v1::UserStatus::Inactive) => Status::Inactive,
            Some(v1::UserStatus::Suspended) => Status::Suspended,
            Some(v1::UserStatus::Deleted) => Status::Deleted,
            Some(v1::UserStatus::Erased) => Status::Erased,
            Some(v1::UserStatus::Unspecified) | None => {
                fields.wrong("filter.statuses", "UNKNOWN_STATUS", "must be one of the statuses of a user");
                continue;
            }
        };
        if !statuses.contains(&known) {
            statuses.push(known);
        }
    }
    if statuses.is_empty() { UNLESS_ASKED.to_vec() } else { statuses }
}

/// Who owned an address, a name, or both: at most one user, so at most one page. Whoever asks for an owner wants her in
/// any state but those that the filter leaves out.
async fn owners(
    directory: &Directory,
    call: &Call,
    question: &Question,
) -> Result<v1::ListUsersResponse, ApiError> {
    let at = as_of::position(directory, "as_of", question.moment).await?;
    let email = question.email.as_ref().map(Owned::Email);
    let username = question.username.as_ref().map(Owned::Username);
    let (mut owners, mut parked_users): (Vec<Option<Past>>, _) = (Vec::new(), 0);
    for owned in [email, username].into_iter().flatten() {
        let owner = queries::owner_at(directory, owned, at, call.deadline).await;
        let owner = owner.map_err(|failure| errors::of_query(&failure))?;
        parked_users = owner.parked_users.max(parked_users);
        owners.push(owner.past);
    }
    let the_same = owners.windows(2).all(|two| two[0] == two[1]);
    let owner = owners.into_iter().next().flatten().filter(|_| the_same);
    let wanted =
        owner.filter(|past| past.user.status().is_some_and(|status| question.statuses.contains(&status)));
    let users = wanted.as_ref().and_then(shown).into_iter().collect();
    Ok(v1::ListUsersResponse { users, position: at.0, parked_users, ..Default::default() })
}

fn shown(past: &Past) -> Option<v1::User> {
    user::past(past).into_option()
}
