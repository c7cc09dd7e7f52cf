//! Who gets in: so many calls at a time in all and of one address, and of each kind so many that are executed. Whoever
//! comes then is told so at once, before anything is done for her: a queue would only make everybody late.
//!
//! A place is taken before anybody asks who calls, a share of the work after: whoever waits to be known, or is refused, is
//! counted, and keeps nobody from being served. Health and reflection have places of their own, as many as connections: they
//! are told how it is whatever else goes on.

use std::net::IpAddr;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::response::Response;
use connectrpc::ErrorCode;
use futures_util::FutureExt as _;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::{Frame, SizeHint};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use user_api::ApiError;

use super::api::Rpc;
use super::kind::Kind;
use super::limits::HostLimits;
use super::places::{Place, Places};
use crate::metrics::Bounds;

/// Overload passes quickly, or not at all.
const PAUSE: Duration = Duration::from_millis(500);

/// The bounds of all calls.
pub(super) struct Admission {
    calls: Places,
    others: Places,
    reads: Semaphore,
    writes: Semaphore,
    passwords: Semaphore,
    body_bytes_max: usize,
    body_read_timeout: Duration,
    bounds: Bounds,
}

impl Admission {
    pub(super) fn new(limits: &HostLimits, bounds: &Bounds) -> Self {
        Self {
            calls: Places::new(limits.calls_max, limits.calls_per_address_max),
            others: Places::new(limits.connections_max, limits.connections_per_address_max),
            reads: Semaphore::new(limits.reads_max),
            writes: Semaphore::new(limits.writes_max),
            passwords: Semaphore::new(limits.password_calls_max),
            body_bytes_max: limits.body_bytes_max(),
            body_read_timeout: limits.body_read_timeout,
            bounds: bounds.clone(),
        }
    }

    /// A place for somebody of this address who asks for that.
    pub(super) fn place(&self, kind: Option<Kind>, address: IpAddr) -> Result<Place, ApiError> {
        let (places, label) = match kind {
            Some(kind) => (&self.calls, kind.label()),
            // What is no call of the contract.
            None => (&self.others, "other"),
        };
        places.take(address).map_err(|full| self.shed(label, full.label()))
    }

    /// Executes a call with its share of the work.
    pub(super) async fn execute(
        &self,
        kind: Kind,
        request: Request,
        calls: &Rpc,
    ) -> Result<Response, ApiError> {
        let Some(share) = self.share(kind) else { return Ok(calls(request).await) };
        if share.available_permits() == 0 {
            return Err(self.shed(kind.label(), "kind"));
        }
        // Whoever is slow to send her request takes nobody's share of the work.
        let request = self.arrived(request).await?;
        let _share = share.try_acquire().map_err(|_| self.shed(kind.label(), "kind"))?;
        let _executing = self.bounds.executing(kind.label());
        Ok(calls(request).await)
    }

    fn share(&self, kind: Kind) -> Option<&Semaphore> {
        match kind {
            Kind::Read => Some(&self.reads),
            Kind::Write => Some(&self.writes),
            Kind::Password => Some(&self.passwords),
            Kind::Stream => None,
        }
    }

    /// The request with its whole body.
    async fn arrived(&self, request: Request) -> Result<Request, ApiError> {
        let (head, body) = request.into_parts();
        let mut arriving = pin!(Limited::new(body, self.body_bytes_max).collect());
        // Most have come with their headers, and need no timer.
        let arrived = match arriving.as_mut().now_or_never() {
            Some(arrived) => arrived,
            None => timeout(self.body_read_timeout, arriving).await.map_err(|_| too_slow())?,
        };
        let body = arrived.map_err(|error| {
            if error.is::<LengthLimitError>() { too_large(self.body_bytes_max) } else { broken_off() }
        })?;
        Ok(Request::from_parts(head, Body::from(body.to_bytes())))
    }

    fn shed(&self, kind: &'static str, cause: &'static str) -> ApiError {
        self.bounds.shed(kind, cause);
        ApiError::new(ErrorCode::ResourceExhausted, "OVERLOADED", "too much is under way")
            .with_retry_delay(PAUSE)
    }
}

/// An answer, whose call keeps its place until it has been taken: what nobody reads stays in memory.
pub(super) fn until_taken(place: Place, kind: Option<Kind>, answer: Response) -> Response {
    match kind {
        // From here on it has a place where it is told.
        Some(Kind::Stream) => answer,
        Some(Kind::Read | Kind::Write | Kind::Password) | None => {
            answer.map(|body| Body::new(Held { body, _place: place }))
        }
    }
}

fn too_slow() -> ApiError {
    ApiError::new(ErrorCode::DeadlineExceeded, "REQUEST_TOO_SLOW", "the request did not arrive in time")
}

fn too_large(bytes_max: usize) -> ApiError {
    ApiError::new(ErrorCode::ResourceExhausted, "MESSAGE_TOO_LARGE", "the request is larger than it may be")
        .with_metadata("bytes_max", bytes_max.to_string())
}

fn broken_off() -> ApiError {
    ApiError::new(ErrorCode::Canceled, "REQUEST_BROKEN_OFF", "the request did not arrive as a whole")
}

struct Held {
    body: Body,
    _place: Place,
}

impl HttpBody for Held {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
