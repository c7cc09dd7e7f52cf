//! `RestoreUser`: brings a deleted user back.

use user_api::{ApiError, v1};
use user_domain::RestoreUser;

use super::call::Call;
use super::write::{Target, Write, bytes_of};
use crate::directory::Directory;

pub(super) async fn restore_user(
    directory: &Directory,
    call: &Call,
    mut request: v1::RestoreUserRequest,
) -> Result<v1::RestoreUserResponse, ApiError> {
    let target = Target::parse_alone(&request.id, &request.etag, &request.request_id)?;
    request.request_id.clear();
    let write = Write { directory, call, method: "RestoreUser", request: bytes_of(&request) };
    let written = write.execute(target, RestoreUser.into()).await?;
    Ok(v1::RestoreUserResponse { user: written.user, position: written.position, replayed: written.replayed })
}
