//! `DiffUsers`.

use connectrpc::ErrorCode;
use user_api::{ApiError, v1};

use super::call::Call;
use crate::directory::Directory;

pub(super) async fn diff_users(
    _directory: &Directory,
    _call: &Call,
    _request: v1::DiffUsersRequest,
) -> Result<v1::DiffUsersResponse, ApiError> {
    Err(ApiError::new(ErrorCode::Unimplemented, "NOT_YET", "not yet"))
}
