//! `DiffUser`: what became different about one user between two moments.

use buffa::MessageField;
use user_api::{ApiError, v1};

use super::call::Call;
use super::fields::Fields;
use super::{as_of, errors, user_event};
use crate::directory::Directory;
use crate::queries::{self, DiffKind, UserDiff};

pub(super) async fn diff_user(
    directory: &Directory,
    _call: &Call,
    request: v1::DiffUserRequest,
) -> Result<v1::DiffUserResponse, ApiError> {
    let mut fields = Fields::default();
    let id = fields.id(&request.id);
    let from = fields.required_moment("from", &request.from);
    let to = fields.moment("to", &request.to);
    fields.done()?;
    let (id, from) = id.zip(from).ok_or_else(|| fields.error())?;
    let (from, to) = as_of::span(directory, from, to).await?;
    let diff = queries::diff_user(directory, id, from, to).await;
    let diff = diff.map_err(|failure| errors::of_query(&failure))?.map_err(errors::of_absence)?;
    Ok(v1::DiffUserResponse {
        diff: MessageField::some(shown(diff)),
        from_position: from.0,
        to_position: to.0,
    })
}

/// A difference as callers see it, alone or in a list.
pub(super) fn shown(diff: UserDiff) -> v1::UserDiff {
    let kind = match diff.kind {
        DiffKind::Same => v1::UserDiffKind::Unspecified,
        DiffKind::Added => v1::UserDiffKind::Added,
        DiffKind::Removed => v1::UserDiffKind::Removed,
        DiffKind::Changed => v1::UserDiffKind::Changed,
    };
    v1::UserDiff {
        user_id: diff.id.to_string(),
        kind: kind.into(),
        changes: diff.changes.into_iter().map(user_event::change).collect(),
    }
}
