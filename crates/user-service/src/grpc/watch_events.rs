//! `WatchEvents`.

use connectrpc::{ErrorCode, ServiceStream};
use user_api::{ApiError, v1};

use super::call::Call;
use crate::directory::Directory;

pub(super) async fn watch_events(
    _directory: &Directory,
    _call: &Call,
    _request: v1::WatchEventsRequest,
) -> Result<ServiceStream<v1::WatchEventsResponse>, ApiError> {
    Err(ApiError::new(ErrorCode::Unimplemented, "NOT_YET", "not yet"))
}
