//! `ListEvents`.

use connectrpc::ErrorCode;
use user_api::{ApiError, v1};

use super::call::Call;
use crate::directory::Directory;

pub(super) async fn list_events(
    _directory: &Directory,
    _call: &Call,
    _request: v1::ListEventsRequest,
) -> Result<v1::ListEventsResponse, ApiError> {
    Err(ApiError::new(ErrorCode::Unimplemented, "NOT_YET", "not yet"))
}
