//! `ReinstateUser`: ends a suspension.

use user_api::{ApiError, v1};
use user_domain::ReinstateUser;

use super::call::Call;
use super::write::{Target, Write, bytes_of};
use crate::directory::Directory;

pub(super) async fn reinstate_user(
    directory: &Directory,
    call: &Call,
    mut request: v1::ReinstateUserRequest,
) -> Result<v1::ReinstateUserResponse, ApiError> {
    let target = Target::parse_alone(&request.id, &request.etag, &request.request_id)?;
    request.request_id.clear();
    let write = Write { directory, call, method: "ReinstateUser", request: bytes_of(&request) };
    let written = write.execute(target, ReinstateUser.into()).await?;
    Ok(v1::ReinstateUserResponse {
        user: written.user,
        position: written.position,
        replayed: written.replayed,
    })
}
