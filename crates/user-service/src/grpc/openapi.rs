//! The contract of the JSON side, for those who have only HTTP: an `OpenAPI` document, made from the protos.

use axum::Router;
use axum::routing::get;
use http::header::CONTENT_TYPE;

/// Where it is served.
pub(super) fn router() -> Router {
    Router::new()
        .route("/openapi.json", get(async || ([(CONTENT_TYPE, "application/json")], user_api::OPENAPI)))
}
