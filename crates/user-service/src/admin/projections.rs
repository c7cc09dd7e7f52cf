//! Projections over the socket: how they are, what is parked, and wishes for whoever owns them.

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use cqrs::projection::{Answer, Wish};
use eventstore::ProjectionError;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::directory::Directory;
use crate::projections::{self, parked_of};

/// What is refused, in words.
type Refused = (StatusCode, String);

pub(super) fn routes() -> Router<Directory> {
    Router::new()
        .route("/projections", get(list))
        .route("/projections/{name}/parked", get(parked))
        .route("/projections/{name}/parked/{user}", get(parked_of_user))
        .route("/projections/{name}/wish", post(wish))
        .route("/projections/{name}/wish/{ticket}", get(answer))
}

async fn list(State(directory): State<Directory>) -> Result<String, Refused> {
    let status = directory.projections().status().await.map_err(refused)?;
    Ok(Value::Array(status.iter().map(projections::shown).collect()).to_string())
}

async fn parked(State(directory): State<Directory>, Path(name): Path<String>) -> Result<String, Refused> {
    parked_events(&directory, &name, None).await
}

async fn parked_of_user(
    State(directory): State<Directory>,
    Path((name, user)): Path<(String, Uuid)>,
) -> Result<String, Refused> {
    parked_events(&directory, &name, Some(user)).await
}

async fn parked_events(directory: &Directory, name: &str, user: Option<Uuid>) -> Result<String, Refused> {
    let parked = parked_of(directory, name, user).await.map_err(refused)?;
    Ok(Value::Array(parked).to_string())
}

/// The body is the wish, in the words that `cqrs` writes it with; the answer is its ticket.
async fn wish(
    State(directory): State<Directory>,
    Path(name): Path<String>,
    body: String,
) -> Result<String, Refused> {
    let wish: Wish = body.parse().map_err(|error| (StatusCode::BAD_REQUEST, format!("{error}")))?;
    tracing::info!(projection = name, %wish, "a wish was left over the admin socket");
    directory.projections().wish(&name, &wish).await.map(|ticket| ticket.to_string()).map_err(refused)
}

async fn answer(
    State(directory): State<Directory>,
    Path((name, ticket)): Path<(String, u64)>,
) -> Result<String, Refused> {
    let answer = directory.projections().answer(&name, ticket).await.map_err(refused)?;
    let (answer, replaced) = match answer {
        Answer::Pending => (None, false),
        Answer::Given(outcome) => (Some(outcome.to_string()), false),
        Answer::Replaced => (None, true),
    };
    Ok(json!({"answer": answer, "replaced": replaced}).to_string())
}

#[expect(clippy::needless_pass_by_value, reason = "so that `map_err` can take it")]
fn refused(error: ProjectionError) -> Refused {
    let status = match error {
        ProjectionError::Missing => StatusCode::NOT_FOUND,
        ProjectionError::Store(_)
        | ProjectionError::Fenced
        | ProjectionError::Moved
        | ProjectionError::Behind => StatusCode::SERVICE_UNAVAILABLE,
    };
    (status, error.to_string())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use user_domain::outside::text;

    use super::*;

    const WISHES: &[&str] = &[
        "rebuild keep",
        "switch accept-parked",
        "parked drop 01890000-0000-7000-8000-000000000000 sent twice",
    ];

    proptest! {
        #[test]
        fn outside_bytes_are_a_wish_or_none(input in text(WISHES)) {
            if let Ok(wish) = input.parse::<Wish>() {
                prop_assert_eq!(wish.to_string().parse(), Ok(wish));
            }
        }
    }
}
