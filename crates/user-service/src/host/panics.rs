//! A panic ends its own request, as INTERNAL in the caller's protocol, and nothing else. Without
//! this, HTTP/2 callers would see a reset stream and HTTP/1.1 callers a closed connection.

use std::panic::AssertUnwindSafe;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use connectrpc::{ConnectError, ErrorCode};
use futures_util::FutureExt as _;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use user_api::ApiError;

use super::accept::Answers;

/// Goes around everything else, so that a panic in any step is contained.
pub(super) async fn contain(answers: impl Answers, request: Request) -> Response {
    let headers = protocol_headers(request.headers());
    let uri = request.uri().clone();
    // What handlers share is never left half-changed across an await, so going on after one is safe.
    let answered = AssertUnwindSafe(answers.answer(request)).catch_unwind().await;
    answered.unwrap_or_else(|_| {
        // The binary's panic hook has logged the place; the message may hold personal data, and is
        // logged nowhere.
        tracing::error!(path = uri.path(), "a request panicked");
        let error =
            ApiError::new(ErrorCode::Internal, "INTERNAL", "The service failed to answer this request.");
        ConnectError::from(error).into_http_response(&headers).map(Body::new)
    })
}

/// All that an error answer needs of a request; the rest goes to the handler uncopied.
fn protocol_headers(headers: &HeaderMap) -> HeaderMap {
    headers.get(CONTENT_TYPE).map(|value| (CONTENT_TYPE, value.clone())).into_iter().collect()
}
