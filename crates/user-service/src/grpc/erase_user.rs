//! `EraseUser`: erases a deleted user for good.

use user_api::{ApiError, v1};
use user_domain::EraseUser;

use super::call::Call;
use super::write::{Target, Write, bytes_of};
use crate::directory::Directory;

pub(super) async fn erase_user(
    directory: &Directory,
    call: &Call,
    mut request: v1::EraseUserRequest,
) -> Result<v1::EraseUserResponse, ApiError> {
    let target = Target::parse_alone(&request.id, &request.etag, &request.request_id)?;
    request.request_id.clear();
    let write = Write { directory, call, method: "EraseUser", request: bytes_of(&request) };
    let written = write.execute(target, EraseUser.into()).await?;
    Ok(v1::EraseUserResponse { user: written.user, position: written.position, replayed: written.replayed })
}
