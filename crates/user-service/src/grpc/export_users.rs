//! `ExportUsers`: all users as they were at one moment, in parts.

use connectrpc::{ErrorCode, ServiceStream};
use futures_util::stream;
use user_api::{ApiError, v1};
use user_domain::{Scope, Status};

use super::call::Call;
use super::fields::Fields;
use super::write::bytes_of;
use super::{as_of, errors, user};
use crate::queries::{ExportError, Exports, QueryError, UserExportPart, UserExportQuestion};

/// Who is exported when nobody says otherwise.
const UNLESS_ASKED: [Status; 3] = [Status::Active, Status::Inactive, Status::Suspended];

pub(super) async fn export_users(
    exports: &Exports,
    call: &Call,
    mut request: v1::ExportUsersRequest,
) -> Result<ServiceStream<v1::ExportUsersResponse>, ApiError> {
    if request.as_of.as_option().is_some() {
        call.require(Scope::Audit)?;
    }
    let mut fields = Fields::default();
    let moment = fields.moment("as_of", &request.as_of);
    let statuses = statuses(&mut fields, &request);
    fields.done()?;
    let token = std::mem::take(&mut request.resume_token);
    let question = UserExportQuestion { moment, statuses, binding: bytes_of(&request) };
    let export =
        exports.begin_users(question, &token, call.deadline).await.map_err(|error| refused(&error))?;
    Ok(Box::pin(stream::unfold(Some((export, 0)), async |telling| {
        let (mut export, told) = telling?;
        match export.next().await {
            Ok(None) => None,
            Ok(Some(part)) => {
                let told = told + part.users.len() as u64;
                Some((Ok(shown(&part, told)), Some((export, told))))
            }
            Err(error) => Some((Err(refused(&error).into()), None)),
        }
    })))
}

fn statuses(fields: &mut Fields, request: &v1::ExportUsersRequest) -> Vec<Status> {
    let mut statuses = Vec::new();
    for status in &request.statuses {
        match status.as_known() {
            Some(v1::UserStatus::Active) => statuses.push(Status::Active),
            Some(v1::UserStatus::Inactive) => statuses.push(Status::Inactive),
            Some(v1::UserStatus::Suspended) => statuses.push(Status::Suspended),
            Some(v1::UserStatus::Deleted) => statuses.push(Status::Deleted),
            Some(v1::UserStatus::Erased | v1::UserStatus::Unspecified) | None => {
                fields.wrong("statuses", "UNKNOWN_STATUS", "must be active, inactive, suspended or deleted");
            }
        }
    }
    if statuses.is_empty() { UNLESS_ASKED.to_vec() } else { statuses }
}

fn shown(part: &UserExportPart, users_told: u64) -> v1::ExportUsersResponse {
    v1::ExportUsersResponse {
        users: part.users.iter().map(user::live).collect(),
        position: part.position.0,
        users_told,
        resume_token: part.resume_token.clone(),
        parked_users: part.parked_users,
        last: part.last,
    }
}

fn refused(error: &ExportError) -> ApiError {
    match error {
        ExportError::Query(QueryError::BadToken(bad)) => {
            ApiError::new(ErrorCode::InvalidArgument, "BAD_RESUME_TOKEN", bad.to_string())
                .with_violation("resume_token", "was not given by this service for this request")
        }
        ExportError::Query(failure) => as_of::blamed("as_of", failure),
        ExportError::TooMany | ExportError::Stopping | ExportError::BeyondHead { .. } => {
            errors::of_export(error)
        }
    }
}
