//! `GetActivity`.

use connectrpc::ErrorCode;
use user_api::{ApiError, v1};

use super::call::Call;
use crate::directory::Directory;

pub(super) async fn get_activity(
    _directory: &Directory,
    _call: &Call,
    _request: v1::GetActivityRequest,
) -> Result<v1::GetActivityResponse, ApiError> {
    Err(ApiError::new(ErrorCode::Unimplemented, "NOT_YET", "not yet"))
}
