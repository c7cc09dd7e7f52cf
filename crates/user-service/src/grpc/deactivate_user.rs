//! `DeactivateUser`: makes an active user inactive.

use user_api::{ApiError, v1};
use user_domain::DeactivateUser;

use super::call::Call;
use super::write::{Target, Write, bytes_of};
use crate::directory::Directory;

pub(super) async fn deactivate_user(
    directory: &Directory,
    call: &Call,
    mut request: v1::DeactivateUserRequest,
) -> Result<v1::DeactivateUserResponse, ApiError> {
    let target = Target::parse_alone(&request.id, &request.etag, &request.request_id)?;
    request.request_id.clear();
    let write = Write { directory, call, method: "DeactivateUser", request: bytes_of(&request) };
    let written = write.execute(target, DeactivateUser.into()).await?;
    Ok(v1::DeactivateUserResponse {
        user: written.user,
        position: written.position,
        replayed: written.replayed,
    })
}
