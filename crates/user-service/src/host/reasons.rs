//! What the RPC stack refuses by itself, before a call is reached: no such method, no JSON, too large. It says so with the
//! right code and nothing else; here such a refusal gets a stable reason, as all others have one.

use axum::body::Body;
use axum::response::Response;
use connectrpc::{ConnectError, ErrorCode};
use http::header::{ALLOW, CONTENT_TYPE, HeaderName};
use http::{HeaderMap, StatusCode};
use http_body_util::BodyExt as _;
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use user_api::ApiError;

use super::refusal::Asked;

/// What the stack adds to a refusal, besides the body.
const KEPT: [HeaderName; 2] = [ALLOW, HeaderName::from_static("accept-post")];

/// gRPC-Web and Connect's streams frame what they say with a flag and a length.
const FRAME_BYTES: usize = 5;

/// Whether the method that was asked for is in the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Known,
    Unknown,
}

/// The same answer if it is none of these, else the same refusal with its reason.
pub(super) async fn give(answer: Response, method: Method, asked: Asked) -> Response {
    let (head, body) = answer.into_parts();
    let refused = match form(head.status, &head.headers) {
        Form::Answer => return Response::from_parts(head, body),
        Form::Headers => of_trailers(&head.headers),
        Form::Json => serde_json::from_slice(&whole(body).await).ok(),
        Form::WebTrailers => of_web_trailers(&whole(body).await),
        Form::EndOfStream => of_end_of_stream(&whole(body).await),
        Form::Empty => None,
    };
    let otherwise = || ConnectError::unimplemented("nothing here is called in this way");
    let refused = refused.unwrap_or_else(otherwise);
    let reason = reason(refused.code, head.status, method);
    let message = refused.message.clone().unwrap_or_default();
    let mut answer = asked.refuse(ApiError::new(refused.code, &reason, message));
    if !head.status.is_success() {
        *answer.status_mut() = head.status;
    }
    let kept = KEPT.into_iter().filter_map(|name| Some((name.clone(), head.headers.get(name)?.clone())));
    answer.headers_mut().extend(kept);
    answer
}

/// Where an answer says that it is a refusal.
enum Form {
    /// It is none.
    Answer,
    /// In its headers: gRPC.
    Headers,
    /// In its body, as JSON: Connect.
    Json,
    /// In its body, as trailers: gRPC-Web.
    WebTrailers,
    /// In its body, as the end of a stream: Connect.
    EndOfStream,
    /// By its status alone.
    Empty,
}

fn form(status: StatusCode, headers: &HeaderMap) -> Form {
    let content_type = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if status.is_success() && content_type.starts_with("application/grpc-web") {
        Form::WebTrailers
    } else if status.is_success() && content_type.starts_with("application/connect+") {
        Form::EndOfStream
    } else if headers.get("grpc-status").is_some_and(|status| status != "0") {
        Form::Headers
    } else if status.is_success() {
        Form::Answer
    } else if content_type.starts_with("application/json") {
        Form::Json
    } else {
        Form::Empty
    }
}

fn reason(code: ErrorCode, status: StatusCode, method: Method) -> String {
    match (code, status, method) {
        (_, StatusCode::UNSUPPORTED_MEDIA_TYPE, _) => "UNSUPPORTED_MEDIA_TYPE".to_owned(),
        (_, StatusCode::METHOD_NOT_ALLOWED, _) => "METHOD_NOT_ALLOWED".to_owned(),
        (ErrorCode::Unimplemented, _, Method::Unknown) => "UNKNOWN_METHOD".to_owned(),
        (ErrorCode::Unimplemented, _, Method::Known) => "UNSUPPORTED_MEDIA_TYPE".to_owned(),
        (ErrorCode::InvalidArgument, ..) => "MALFORMED_REQUEST".to_owned(),
        (ErrorCode::ResourceExhausted, ..) => "MESSAGE_TOO_LARGE".to_owned(),
        // The code says it all: a deadline that has passed, a caller who has gone.
        _ => code.as_str().to_ascii_uppercase(),
    }
}

/// A refusal is one short frame.
async fn whole(body: Body) -> Vec<u8> {
    body.collect().await.map(|body| body.to_bytes().to_vec()).unwrap_or_default()
}

fn of_trailers(trailers: &HeaderMap) -> Option<ConnectError> {
    let text = |name: &str| trailers.get(name).and_then(|value| value.to_str().ok());
    status_of(text("grpc-status")?, text("grpc-message").unwrap_or_default())
}

fn of_web_trailers(body: &[u8]) -> Option<ConnectError> {
    let trailers = std::str::from_utf8(body.get(FRAME_BYTES..)?).ok()?;
    let text = |name: &str| {
        let mut trailers = trailers.lines().filter_map(|line| line.split_once(": "));
        trailers.find_map(|(found, value)| (found == name).then_some(value))
    };
    status_of(text("grpc-status")?, text("grpc-message").unwrap_or_default())
}

fn status_of(code: &str, message: &str) -> Option<ConnectError> {
    let code = ErrorCode::from_grpc_code(code.parse().ok()?)?;
    Some(ConnectError::new(code, percent_decode_str(message).decode_utf8_lossy()))
}

fn of_end_of_stream(body: &[u8]) -> Option<ConnectError> {
    #[derive(Deserialize)]
    struct End {
        error: ConnectError,
    }
    serde_json::from_slice::<End>(body.get(FRAME_BYTES..)?).ok().map(|end| end.error)
}
