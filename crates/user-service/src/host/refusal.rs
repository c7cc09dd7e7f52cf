//! An answer that the host gives by itself, before a call is reached: in the caller's protocol, and counted.

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use connectrpc::ConnectError;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue};
use user_api::ApiError;

use crate::metrics::Told;

/// All that a refusal needs of a request, which has gone by then.
pub(super) struct Asked {
    content_type: Option<HeaderValue>,
    told: Option<Told>,
}

impl Asked {
    pub(super) fn of(request: &Request) -> Self {
        let content_type = request.headers().get(CONTENT_TYPE).cloned();
        Self { content_type, told: request.extensions().get::<Told>().cloned() }
    }

    pub(super) fn refuse(self, error: ApiError) -> Response {
        let error = ConnectError::from(error);
        if let Some(told) = self.told {
            told.tell(Some(error.code));
        }
        let headers: HeaderMap = self.content_type.map(|value| (CONTENT_TYPE, value)).into_iter().collect();
        error.into_http_response(&headers).map(Body::new)
    }
}
