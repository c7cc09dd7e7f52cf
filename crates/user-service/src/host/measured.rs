//! Every call is counted and timed here, once, in whatever protocol it comes: also those that never reach a handler.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use connectrpc::ErrorCode;
use hyper::body::{Frame, SizeHint};
use tracing::{Span, debug_span};
use uuid::Uuid;

use super::reasons::{self, Method};
use super::refusal::Asked;
use crate::metrics::{Calls, OpenCall};
use crate::traces::{self, CallersTrace};

/// What measures all calls.
pub(super) struct Measured {
    calls: Calls,
    callers: CallersTrace,
}

/// A call that is being answered.
pub(super) struct Begun {
    call: OpenCall,
    /// A handler tells; where none has told, the stack has answered by itself.
    asked: Option<Asked>,
}

impl Measured {
    pub(super) fn new(calls: Calls, callers: CallersTrace) -> Self {
        Self { calls, callers }
    }

    /// A call begins, in this span.
    pub(super) fn begin(&self, request: &mut Request) -> (Begun, Span) {
        let mut call = self.calls.begin(request.uri().path());
        call.request_id = request_id(request.headers());
        request.extensions_mut().insert(call.told.clone());
        let asked = of_users(request.uri().path()).then(|| Asked::of(request));
        let span = debug_span!("rpc.call.answer", method = call.method);
        traces::adopt(&span, request.headers(), self.callers);
        (Begun { call, asked }, span)
    }
}

impl Begun {
    /// It is answered; and refused in so many words, if the stack found none.
    pub(super) async fn end(self, answer: Response) -> Response {
        let Self { call, asked } = self;
        if call.told.is_stream() {
            return answer.map(|body| Body::new(Stream { body, call: Some(call) }));
        }
        let method = if call.is_in_contract() { Method::Known } else { Method::Unknown };
        let answer = match asked.filter(|_| !call.told.is_told()) {
            Some(asked) => reasons::give(answer, method, asked).await,
            None => answer,
        };
        call.ended(code(answer.status(), answer.headers()));
        answer
    }
}

/// Whatever is no id may be anything, and a log is no place for that.
fn request_id(headers: &HeaderMap) -> Option<Uuid> {
    Uuid::try_parse(headers.get("x-request-id")?.to_str().ok()?).ok()
}

/// Whether a path is meant for the user service; health and reflection are as their standards have them.
fn of_users(path: &str) -> bool {
    path.strip_prefix('/').and_then(|path| path.strip_prefix(user_api::SERVICE_NAME)).is_some()
}

/// How a call ended whose handler was not asked, or not until the end. What gRPC-Web says of that stands in the body.
fn code(status: StatusCode, headers: &HeaderMap) -> Option<ErrorCode> {
    let grpc = headers.get("grpc-status").and_then(|code| code.to_str().ok()?.parse().ok());
    if let Some(code) = grpc {
        return (code != 0).then(|| ErrorCode::from_grpc_code(code).unwrap_or(ErrorCode::Unknown));
    }
    match status.as_u16() {
        200..300 => None,
        400 => Some(ErrorCode::InvalidArgument),
        401 => Some(ErrorCode::Unauthenticated),
        403 => Some(ErrorCode::PermissionDenied),
        404 | 405 | 415 | 501 => Some(ErrorCode::Unimplemented),
        408 | 504 => Some(ErrorCode::DeadlineExceeded),
        413 | 429 | 431 => Some(ErrorCode::ResourceExhausted),
        499 => Some(ErrorCode::Canceled),
        503 => Some(ErrorCode::Unavailable),
        500 => Some(ErrorCode::Internal),
        _ => Some(ErrorCode::Unknown),
    }
}

/// The body of a stream: its call ends with it.
struct Stream {
    body: Body,
    call: Option<OpenCall>,
}

impl HttpBody for Stream {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        let ended = match &polled {
            Poll::Ready(None) => true,
            Poll::Ready(Some(Ok(frame))) => frame.is_trailers(),
            Poll::Ready(Some(Err(_))) | Poll::Pending => false,
        };
        if let Some(call) = self.call.take_if(|_| ended) {
            call.ended(None);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
