//! What a caller sends that nobody reads. Whoever is refused before her request is read is told so at once, and the rest of
//! it is taken and forgotten, within bounds: a stream that is reset while she still sends is an error to some clients
//! (curl before 8.2 among them), and the answer is never seen.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use http_body_util::BodyExt as _;
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::rt::Executor as _;
use tokio::time::timeout;

use super::accept::Tracked;
use super::limits::HostLimits;

/// How much of it is taken, and how long it is waited for.
#[derive(Clone, Debug)]
pub(super) struct Rest {
    executor: Tracked,
    bytes_max: usize,
    time_max: Duration,
}

impl Rest {
    /// As much as is read of a request that is not refused, and not for as long.
    pub(super) fn within(limits: &HostLimits, executor: Tracked) -> Self {
        Self { executor, bytes_max: limits.body_bytes_max(), time_max: limits.unread_timeout }
    }

    /// A body whose rest is taken when it is dropped.
    pub(super) fn of(&self, body: Incoming) -> Body {
        Body::new(Taken { body: Some(body), rest: self.clone() })
    }

    async fn take(self, mut body: Incoming) {
        let reading = async {
            let mut bytes = 0;
            while bytes <= self.bytes_max
                && let Some(Ok(frame)) = body.frame().await
            {
                bytes += frame.data_ref().map_or(0, Bytes::len);
            }
        };
        // Who is not done by then sees the stream reset.
        let _ = timeout(self.time_max, reading).await;
    }
}

struct Taken {
    /// There until this is dropped.
    body: Option<Incoming>,
    rest: Rest,
}

impl HttpBody for Taken {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<hyper::Result<Frame<Bytes>>>> {
        self.body.as_mut().map_or(Poll::Ready(None), |body| Pin::new(body).poll_frame(context))
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Incoming::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map(Incoming::size_hint).unwrap_or_default()
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        if let Some(body) = self.body.take_if(|body| !body.is_end_stream()) {
            self.rest.executor.execute(self.rest.clone().take(body));
        }
    }
}
