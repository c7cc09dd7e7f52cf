//! `ActivateUser`: makes an inactive user active.

use user_api::{ApiError, v1};
use user_domain::ActivateUser;

use super::call::Call;
use super::write::{Target, Write, bytes_of};
use crate::directory::Directory;

pub(super) async fn activate_user(
    directory: &Directory,
    call: &Call,
    mut request: v1::ActivateUserRequest,
) -> Result<v1::ActivateUserResponse, ApiError> {
    let target = Target::parse_alone(&request.id, &request.etag, &request.request_id)?;
    request.request_id.clear();
    let write = Write { directory, call, method: "ActivateUser", request: bytes_of(&request) };
    let written = write.execute(target, ActivateUser.into()).await?;
    Ok(v1::ActivateUserResponse {
        user: written.user,
        position: written.position,
        replayed: written.replayed,
    })
}
