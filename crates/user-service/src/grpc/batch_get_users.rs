//! `BatchGetUsers`: many users by their ids, and which of the ids are nobody's.

use user_api::{ApiError, v1};

use super::call::Call;
use super::fields::Fields;
use super::{errors, user};
use crate::directory::Directory;
use crate::queries;

/// With JSON's quotes and commas that many ids fit into a request.
const IDS_MAX: usize = 1000;

pub(super) async fn batch_get_users(
    directory: &Directory,
    call: &Call,
    request: v1::BatchGetUsersRequest,
) -> Result<v1::BatchGetUsersResponse, ApiError> {
    let mut fields = Fields::default();
    if request.ids.is_empty() {
        fields.wrong("ids", "REQUIRED", "must have at least one id");
    }
    if request.ids.len() > IDS_MAX {
        fields.wrong("ids", "TOO_MANY", "must have at most 1000 ids");
        return Err(fields.error());
    }
    let ids: Vec<_> = request.ids.iter().filter_map(|id| fields.listed_id("ids", id)).collect();
    fields.done()?;
    let freshness = call.freshness(request.min_position);
    let batch = queries::batch_get_users(directory, &ids, freshness).await;
    let batch = batch.map_err(|failure| errors::of_query(&failure))?;
    Ok(v1::BatchGetUsersResponse {
        users: batch.users.iter().map(user::live).collect(),
        missing_ids: batch.missing.iter().map(ToString::to_string).collect(),
        position: batch.position.0,
    })
}
