//! Tokens over the socket: made, listed, revoked. The answer to the making of one is the only place that ever shows it.

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use cqrs::CommandError;
use eventstore::ReadError;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use user_domain::{ApiTokenRefusal, Scope, Scopes, TokenName};
use uuid::Uuid;

use crate::access::{NewToken, Tokens};
use crate::vault::StoredToken;

/// What is refused, in words.
type Refused = (StatusCode, String);

/// What is asked for, as the command line says it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    pub(crate) name: String,
    pub(crate) scopes: Vec<String>,
    /// For how many seconds from now on it is valid; for ever if `None`.
    pub(crate) valid_seconds: Option<i64>,
}

pub(super) fn routes(tokens: Tokens) -> Router {
    Router::new()
        .route("/tokens", get(list).post(create))
        .route("/tokens/{id}/revoke", post(revoke))
        .with_state(tokens)
}

async fn create(State(tokens): State<Tokens>, body: String) -> Result<String, Refused> {
    let wanted: Wanted = serde_json::from_str(&body).map_err(|error| bad(error.to_string()))?;
    let new = parse(&wanted, tokens.now())?;
    let token = tokens.create(new).await.map_err(refused)?;
    tracing::info!(token = %token.id, scopes = wanted.scopes.join(" "), "a token was created over the admin socket");
    Ok(json!({"id": token.id, "token": *token.reveal()}).to_string())
}

async fn list(State(tokens): State<Tokens>) -> Result<String, Refused> {
    let listed = tokens.list().await.map_err(unread)?;
    Ok(Value::Array(listed.iter().map(shown).collect()).to_string())
}

async fn revoke(State(tokens): State<Tokens>, Path(id): Path<Uuid>) -> Result<String, Refused> {
    tokens.revoke(id).await.map_err(refused)?;
    tracing::info!(token = %id, "a token was revoked over the admin socket");
    Ok("revoked: whoever shows it is refused, here at once and everywhere within five seconds\n".to_owned())
}

fn parse(wanted: &Wanted, now: Timestamp) -> Result<NewToken, Refused> {
    let name = TokenName::parse(&wanted.name).map_err(|violation| bad(violation.to_string()))?;
    let scopes = wanted.scopes.iter().map(|scope| Scope::parse(scope)).collect::<Option<Scopes>>();
    let scopes = scopes.filter(|scopes| *scopes != Scopes::NONE);
    let scopes =
        scopes.ok_or_else(|| bad("a token has one or more of read, write, admin and audit".to_owned()))?;
    let expires_at = wanted.valid_seconds.map(|seconds| end(now, seconds)).transpose()?;
    Ok(NewToken { name, scopes, expires_at })
}

/// In whole seconds, which every store has room for.
fn end(now: Timestamp, seconds: i64) -> Result<Timestamp, Refused> {
    let end = (seconds > 0).then(|| now.checked_add(SignedDuration::from_secs(seconds)).ok()).flatten();
    let end = end.and_then(|end| Timestamp::from_second(end.as_second()).ok());
    end.ok_or_else(|| bad("a token is valid for a second or more, and not beyond the year 9999".to_owned()))
}

fn shown(token: &StoredToken) -> Value {
    json!({
        "id": token.id,
        "name": token.name.as_str(),
        "scopes": token.scopes.to_string(),
        "created_at": token.created_at.to_string(),
        "expires_at": token.expires_at.map(|time| time.to_string()),
    })
}

fn bad(text: String) -> Refused {
    (StatusCode::BAD_REQUEST, text)
}

#[expect(clippy::needless_pass_by_value, reason = "so that `map_err` can take it")]
fn unread(error: ReadError) -> Refused {
    (StatusCode::SERVICE_UNAVAILABLE, error.to_string())
}

#[expect(clippy::needless_pass_by_value, reason = "so that `map_err` can take it")]
fn refused(error: CommandError<ApiTokenRefusal>) -> Refused {
    let status = match error {
        CommandError::Refused(refusal) => return (StatusCode::NOT_FOUND, refusal.to_string()),
        CommandError::PreconditionFailed { .. }
        | CommandError::Contended
        | CommandError::RequestReused
        | CommandError::Erased
        | CommandError::Overloaded
        | CommandError::DeadlineBeforeStart
        | CommandError::StoreDown
        | CommandError::WriterRefused(_)
        | CommandError::OutcomeUnknown
        | CommandError::Broken(_) => StatusCode::SERVICE_UNAVAILABLE,
    };
    (status, error.to_string())
}
