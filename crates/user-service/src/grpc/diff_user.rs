//! `DiffUser`.

use connectrpc::ErrorCode;
use user_api::{ApiError, v1};

use super::call::Call;
use crate::directory::Directory;

pub(super) async fn diff_user(
    _directory: &Directory,
    _call: &Call,
    _request: v1::DiffUserRequest,
) -> Result<v1::DiffUserResponse, ApiError> {
    Err(ApiError::new(ErrorCode::Unimplemented, "NOT_YET", "not yet"))
}
