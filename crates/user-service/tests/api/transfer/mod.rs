//! Users who come in by an import, and go out by an export.

mod exports;
mod imports;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use buffa::Message;
use connectrpc::ConnectError;
use user_api::rpc::{BadRequest, ErrorInfo};
use user_api::v1;
use user_api::v1::import_row::Credential;
use user_api::v1::import_users_request::Part;

use crate::stage::{PASSWORD, Service};

pub(crate) const IMPORT: &str = "0b5e0000-0000-4000-8000-000000000001";

/// A hash of [`PASSWORD`], the cheapest that is accepted.
pub(crate) fn bcrypt() -> Credential {
    Credential::PasswordHash(bcrypt::hash(PASSWORD, 4).expect("a cost of 4 is allowed"))
}

pub(crate) fn settings(import_id: &str) -> v1::ImportUsersRequest {
    let settings = v1::ImportSettings { import_id: import_id.to_owned(), ..Default::default() };
    v1::ImportUsersRequest { part: Some(Part::Settings(Box::new(settings))) }
}

/// Somebody whom everything is named after.
pub(crate) fn row(row: u64, name: &str) -> v1::ImportRow {
    let (email, username) = (format!("{name}@example.org"), name.to_owned());
    v1::ImportRow { row, email, username, ..Default::default() }
}

/// The rows as the messages of an import.
pub(crate) fn of(
    first: v1::ImportUsersRequest,
    rows: impl IntoIterator<Item = v1::ImportRow>,
) -> Vec<v1::ImportUsersRequest> {
    let rows = rows.into_iter().map(|row| v1::ImportUsersRequest { part: Some(Part::Row(Box::new(row))) });
    std::iter::once(first).chain(rows).collect()
}

pub(crate) async fn send(
    service: &Service,
    messages: Vec<v1::ImportUsersRequest>,
) -> Result<v1::ImportUsersResponse, ConnectError> {
    let client = service.grpc().await;
    Ok(client.import_users(connectrpc::client::stream_iter(messages)).await?.into_owned())
}

pub(crate) async fn import(service: &Service, rows: Vec<v1::ImportRow>) -> v1::ImportUsersResponse {
    send(service, of(settings(IMPORT), rows)).await.expect("it is taken in")
}

/// One line for each row.
pub(crate) fn told(answer: &v1::ImportUsersResponse) -> String {
    let lines = answer.results.iter().map(|result| {
        let outcome =
            result.outcome.as_known().map(|known| format!("{known:?}").replace("IMPORT_OUTCOME_", ""));
        let words = [
            result.row.to_string(),
            outcome.unwrap_or_default(),
            result.reason.clone(),
            result.field.clone(),
        ];
        words.join(" ").trim_end().to_owned() + "\n"
    });
    lines.collect()
}

/// An error on one line: its code, its reason, and the fields that are to blame.
pub(crate) fn refusal(error: &ConnectError) -> String {
    let detail = |name: &str| {
        let found = error.details.iter().find(|detail| detail.type_url.ends_with(name))?;
        STANDARD_NO_PAD.decode(found.value.as_ref()?.trim_end_matches('=')).ok()
    };
    let info = detail("ErrorInfo").and_then(|bytes| ErrorInfo::decode_from_slice(&bytes).ok());
    let blamed = detail("BadRequest").and_then(|bytes| BadRequest::decode_from_slice(&bytes).ok());
    let fields: Vec<_> = blamed.unwrap_or_default().field_violations.into_iter().map(|it| it.field).collect();
    let reason = info.map_or("?".to_owned(), |info| info.reason);
    format!("{} {reason} {}", error.code.as_str(), fields.join(",")).trim_end().to_owned()
}
