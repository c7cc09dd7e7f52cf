//! `ExplainUser`.

use connectrpc::ErrorCode;
use user_api::{ApiError, v1};

use super::call::Call;
use crate::directory::Directory;

pub(super) async fn explain_user(
    _directory: &Directory,
    _call: &Call,
    _request: v1::ExplainUserRequest,
) -> Result<v1::ExplainUserResponse, ApiError> {
    Err(ApiError::new(ErrorCode::Unimplemented, "NOT_YET", "not yet"))
}
