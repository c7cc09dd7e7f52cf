//! `SuspendUser`: bars an active or inactive user, with a reason.

use user_api::{ApiError, v1};
use user_domain::{Reason, SuspendUser};

use super::call::Call;
use super::fields::Fields;
use super::write::{Target, Write, bytes_of};
use crate::directory::Directory;

pub(super) async fn suspend_user(
    directory: &Directory,
    call: &Call,
    mut request: v1::SuspendUserRequest,
) -> Result<v1::SuspendUserResponse, ApiError> {
    let mut fields = Fields::default();
    let target = Target::parse(&mut fields, &request.id, &request.etag, &request.request_id);
    let reason = fields.check(Reason::parse(&request.reason));
    fields.done()?;
    let (Some(target), Some(reason)) = (target, reason) else { return Err(fields.error()) };
    request.request_id.clear();
    let write = Write { directory, call, method: "SuspendUser", request: bytes_of(&request) };
    let written = write.execute(target, SuspendUser { reason }.into()).await?;
    Ok(v1::SuspendUserResponse { user: written.user, position: written.position, replayed: written.replayed })
}
