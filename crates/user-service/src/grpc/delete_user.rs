//! `DeleteUser`: deletes a user softly.

use user_api::{ApiError, v1};
use user_domain::DeleteUser;

use super::call::Call;
use super::write::{Target, Write, bytes_of};
use crate::directory::Directory;

pub(super) async fn delete_user(
    directory: &Directory,
    call: &Call,
    mut request: v1::DeleteUserRequest,
) -> Result<v1::DeleteUserResponse, ApiError> {
    let target = Target::parse_alone(&request.id, &request.etag, &request.request_id)?;
    request.request_id.clear();
    let write = Write { directory, call, method: "DeleteUser", request: bytes_of(&request) };
    let written = write.execute(target, DeleteUser.into()).await?;
    Ok(v1::DeleteUserResponse { user: written.user, position: written.position, replayed: written.replayed })
}
