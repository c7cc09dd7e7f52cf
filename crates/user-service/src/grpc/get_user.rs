//! `GetUser`: one user, by id, e-mail or username, as she is or as she was.

use buffa::MessageField;
use eventstore::{AggregateId, Version};
use user_api::v1::get_user_request;
use user_api::{ApiError, v1};
use user_domain::{Refusal, Scope};

use super::call::Call;
use super::fields::{By, Fields};
use super::{as_of, errors, user};
use crate::directory::Directory;
use crate::queries::{self, Moment, Owned, Past, Until, UserRef, find_user};

pub(super) async fn get_user(
    directory: &Directory,
    call: &Call,
    request: v1::GetUserRequest,
) -> Result<v1::GetUserResponse, ApiError> {
    let mut fields = Fields::default();
    let by = request.by.as_ref().map(|by| match by {
        get_user_request::By::Id(id) => By::Id(id),
        get_user_request::By::Email(email) => By::Email(email),
        get_user_request::By::Username(username) => By::Username(username),
    });
    let wanted = fields.user_ref(by.as_ref());
    let moment = fields.moment("as_of", &request.as_of);
    let version = version(&mut fields, &request);
    fields.done()?;
    let wanted = wanted.ok_or_else(|| fields.error())?;
    if moment.is_some() || version.is_some() {
        call.require(Scope::Audit)?;
    }
    if request.min_position.is_some() {
        let fresh = call.freshness(request.min_position).of_the_log(directory).await;
        fresh.map_err(|failure| as_of::blamed("min_position", &failure))?;
    }
    match (wanted, moment, version) {
        (UserRef::Id(id), _, Some(version)) => at_version(directory, AggregateId(id), version).await,
        (wanted, Some(moment), _) => at(directory, call, &wanted, moment).await,
        (wanted, None, _) => now(directory, &wanted).await,
    }
}

/// The version that is asked for, which only goes with an id.
fn version(fields: &mut Fields, request: &v1::GetUserRequest) -> Option<Version> {
    let version = request.version?;
    let by_id = matches!(request.by, Some(get_user_request::By::Id(_)));
    if version == 0 {
        fields.wrong("version", "VERSION_ZERO", "counts from 1");
    }
    if !by_id && request.by.is_some() {
        fields.wrong("version", "VERSION_WITHOUT_ID", "goes with an id only");
    }
    if request.as_of.as_option().is_some() {
        fields.wrong("version", "TWO_MOMENTS", "does not go with as_of");
    }
    Some(Version(version))
}

async fn now(directory: &Directory, wanted: &UserRef) -> Result<v1::GetUserResponse, ApiError> {
    let found = find_user(directory, wanted).await.map_err(|error| errors::of_read(&error))?;
    let found = found.ok_or_else(|| errors::of_refusal(Refusal::UserNotFound))?;
    Ok(v1::GetUserResponse { user: MessageField::some(user::live(&found)), position: found.position.0 })
}

async fn at(
    directory: &Directory,
    call: &Call,
    wanted: &UserRef,
    moment: Moment,
) -> Result<v1::GetUserResponse, ApiError> {
    let position = as_of::position(directory, "as_of", moment).await?;
    let owned = match wanted {
        UserRef::Id(id) => {
            let past = queries::user_at(directory, AggregateId(*id), Until::Position(position)).await;
            let past = past.map_err(|failure| errors::of_query(&failure))?;
            return Ok(shown(&past.map_err(errors::of_absence)?));
        }
        UserRef::Email(email) => Owned::Email(email),
        UserRef::Username(username) => Owned::Username(username),
    };
    let found = queries::owner_at(directory, owned, position, call.deadline).await;
    let found = found.map_err(|failure| errors::of_query(&failure))?;
    // She may be one of those whom the history could not take.
    let nobody = || match found.parked_users {
        0 => errors::of_refusal(Refusal::UserNotFound),
        parked => errors::of_refusal(Refusal::UserNotFound).with_metadata("parked_users", parked.to_string()),
    };
    Ok(shown(found.past.as_ref().ok_or_else(nobody)?))
}

async fn at_version(
    directory: &Directory,
    id: AggregateId,
    version: Version,
) -> Result<v1::GetUserResponse, ApiError> {
    let past = queries::user_at(directory, id, Until::Version(version)).await;
    let past = past.map_err(|failure| errors::of_query(&failure))?.map_err(errors::of_absence)?;
    let last = past.user.version();
    if last < version { Err(errors::version_not_reached(last)) } else { Ok(shown(&past)) }
}

fn shown(past: &Past) -> v1::GetUserResponse {
    v1::GetUserResponse { user: user::past(past), position: past.position().0 }
}
