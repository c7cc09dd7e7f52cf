//! Master keys over the socket: how the store's keys are wrapped, and wrapping some of them anew. No key is ever said here,
//! only its id: the service has been given the key itself before.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use eventstore::AggregateId;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::directory::Directory;
use crate::vault::{self, MasterKeyId, RotationError};

/// What is refused, in words.
type Refused = (StatusCode, String);

pub(super) fn routes() -> Router<Directory> {
    Router::new().route("/keys", get(status)).route("/keys/rotate", post(rotate))
}

async fn status(State(directory): State<Directory>) -> Result<String, Refused> {
    wrapping(&directory).await.map(|status| status.to_string()).map_err(refused)
}

/// The body is the id of a master key and, but for the first time, of the user after whom to go on.
async fn rotate(State(directory): State<Directory>, body: String) -> Result<String, Refused> {
    let wrong = || (StatusCode::BAD_REQUEST, "say which master key, and after whom".to_owned());
    let mut words = body.split_whitespace();
    let to = words.next().and_then(|word| word.parse().ok()).ok_or_else(wrong)?;
    let after: Option<Uuid> = words.next().map(str::parse).transpose().map_err(|_| wrong())?;
    if after.is_none() {
        tracing::info!(%to, "the vault's keys are wrapped anew");
    }
    rotate_some(&directory, to, after).await.map(|step| step.to_string()).map_err(refused)
}

/// How the keys of the store are wrapped, and which master keys this process has.
pub(crate) async fn wrapping(directory: &Directory) -> Result<Value, RotationError> {
    let wrapping = vault::wrapping(directory.store()).await?;
    let users: Map<_, _> = wrapping.users.iter().map(|(id, users)| (id.to_string(), json!(users))).collect();
    let current = directory.keys().current().to_string();
    Ok(json!({"current": current, "root": wrapping.root.to_string(), "users": users}))
}

/// One step of a rotation, and after whom to go on.
pub(crate) async fn rotate_some(
    directory: &Directory,
    to: MasterKeyId,
    after: Option<Uuid>,
) -> Result<Value, RotationError> {
    let (store, keys, sources) = (directory.store(), directory.keys(), directory.sources());
    let step = vault::rotate_some(store, keys, sources, to, after.map(AggregateId)).await?;
    Ok(json!({
        "next": step.next.map(|id| id.0),
        "looked_at": step.looked_at,
        "rewrapped": step.rewrapped,
        "unreadable": step.unreadable,
    }))
}

#[expect(clippy::needless_pass_by_value, reason = "so that `map_err` can take it")]
fn refused(error: RotationError) -> Refused {
    let status = match error {
        RotationError::NotGiven(_) => StatusCode::CONFLICT,
        RotationError::Missing => StatusCode::NOT_FOUND,
        RotationError::Root(_) => StatusCode::INTERNAL_SERVER_ERROR,
        RotationError::Store(_) => StatusCode::SERVICE_UNAVAILABLE,
    };
    (status, error.to_string())
}
