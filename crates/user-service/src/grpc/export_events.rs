//! `ExportEvents`.

use connectrpc::{ErrorCode, ServiceStream};
use user_api::{ApiError, v1};

use super::call::Call;
use crate::directory::Directory;

pub(super) async fn export_events(
    _directory: &Directory,
    _call: &Call,
    _request: v1::ExportEventsRequest,
) -> Result<ServiceStream<v1::ExportEventsResponse>, ApiError> {
    Err(ApiError::new(ErrorCode::Unimplemented, "NOT_YET", "not yet"))
}
