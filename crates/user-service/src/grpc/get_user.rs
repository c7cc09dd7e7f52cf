//! `GetUser`: one user, by id, e-mail or username.

use buffa::MessageField;
use connectrpc::ErrorCode;
use user_api::v1::get_user_request;
use user_api::{ApiError, v1};
use user_domain::Refusal;

use super::call::Call;
use super::fields::{By, Fields};
use super::{errors, user};
use crate::directory::Directory;
use crate::queries::find_user;

pub(super) async fn get_user(
    directory: &Directory,
    _call: &Call,
    request: v1::GetUserRequest,
) -> Result<v1::GetUserResponse, ApiError> {
    let mut fields = Fields::default();
    let by = request.by.as_ref().map(|by| match by {
        get_user_request::By::Id(id) => By::Id(id),
        get_user_request::By::Email(email) => By::Email(email),
        get_user_request::By::Username(username) => By::Username(username),
    });
    let wanted = fields.user_ref(by.as_ref()).ok_or_else(|| fields.error())?;
    if let Some(min_position) = request.min_position {
        reached(directory, min_position).await?;
    }
    let found = find_user(directory, &wanted).await.map_err(|error| errors::of_read(&error))?;
    let found = found.ok_or_else(|| errors::of_refusal(Refusal::UserNotFound))?;
    Ok(v1::GetUserResponse { user: MessageField::some(user::live(&found)), position: found.position.0 })
}

/// Rows are written in the transaction of their events: what the log has reached, every read shows.
async fn reached(directory: &Directory, min_position: u64) -> Result<(), ApiError> {
    let head = directory.store().head().await.map_err(|error| errors::of_read(&error))?.position;
    if min_position <= head.0 {
        return Ok(());
    }
    Err(ApiError::new(ErrorCode::OutOfRange, "POSITION_NOT_REACHED", "the log has not reached this position")
        .with_metadata("head", head.to_string())
        .with_violation("min_position", "is beyond the head of the log"))
}
