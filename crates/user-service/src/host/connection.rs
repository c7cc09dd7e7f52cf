//! The life of one connection: HTTP/1.1 or HTTP/2 as the caller likes, told to go away when the host
//! stops or when it never asks for anything, cut at the bound.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::http::Method;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Notify;
use tokio::time::{Duration, timeout};
use tokio_util::sync::CancellationToken;

use super::accept::{Answers, Tracked};
use super::handshake::CallerCertificate;
use super::limits::HostLimits;
use super::unread::Rest;
use super::{panics, taken};

/// HTTP/1.1 reads headers into a buffer that has to hold them all; hyper wants at least this much.
const HEADER_BUFFER_BYTES_MIN: usize = 8 * 1024;

/// Who is at the other end: an extension of every request. Personal data: not for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer(pub SocketAddr);

/// What each request of a connection is told about who sends it.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    pub(super) peer: Peer,
    pub(super) certificate: Option<CallerCertificate>,
}

/// What every connection of a listener shares.
#[derive(Clone)]
pub(super) struct Connections<A> {
    http: Arc<Builder<Tracked>>,
    executor: Tracked,
    answers: A,
    rest: Rest,
    first_request_timeout: Duration,
    go_away: CancellationToken,
    cut: CancellationToken,
}

impl<A: Answers> Connections<A> {
    pub(super) fn new(
        executor: Tracked,
        answers: A,
        limits: &HostLimits,
        go_away: CancellationToken,
        cut: CancellationToken,
    ) -> Self {
        let (rest, first_request_timeout) =
            (Rest::within(limits, executor.clone()), limits.header_read_timeout);
        let http = Arc::new(http(executor.clone(), limits));
        Self { http, executor, answers, rest, first_request_timeout, go_away, cut }
    }

    /// The future that is this connection. It ends by itself; nothing is left to be awaited.
    pub(super) fn serve<S>(&self, stream: S, caller: Caller) -> impl Future<Output = ()> + Send + use<S, A>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let Self { http, executor, answers, rest, first_request_timeout, go_away, cut } = self.clone();
        async move {
            let asked = Notify::new();
            let service = service_fn(|mut request: Request<Incoming>| {
                asked.notify_one();
                request.extensions_mut().insert(caller.peer);
                if let Some(certificate) = &caller.certificate {
                    request.extensions_mut().insert(certificate.clone());
                }
                let headers_only = request.method() == Method::HEAD;
                // Boxed, since it is large and is handed on more than once before it runs.
                let answer = Box::pin(panics::contain(answers.clone(), request.map(|body| rest.of(body))));
                async move {
                    let answer = answer.await;
                    Ok::<_, Infallible>(answer.map(if headers_only { without } else { taken::watched }))
                }
            });
            let mut connection = pin!(http.serve_connection(TokioIo::new(executor.watched(stream)), service));
            tokio::select! {
                biased;
                () = cut.cancelled() => return,
                _ = connection.as_mut() => return,
                () = go_away.cancelled() => {}
                () = silence(&asked, first_request_timeout) => {}
            }
            connection.as_mut().graceful_shutdown();
            tokio::select! {
                () = cut.cancelled() => {}
                _ = connection => {}
            }
        }
    }
}

/// HTTP/1.1 leaves the body out by itself, HTTP/2 does not.
fn without(_: Body) -> Body {
    Body::empty()
}

/// Ends when nothing was asked in time. The protocol's own timers start only once it is known which
/// protocol it is, so a caller that sends nothing, or half a preface, would stay for ever.
async fn silence(asked: &Notify, first_request_timeout: Duration) {
    if timeout(first_request_timeout, asked.notified()).await.is_ok() {
        std::future::pending::<()>().await;
    }
}

fn http(executor: Tracked, limits: &HostLimits) -> Builder<Tracked> {
    let mut http = Builder::new(executor);
    let header_bytes_max = usize::try_from(limits.header_bytes_max).unwrap_or(usize::MAX);
    http.http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_read_timeout)
        .max_buf_size(header_bytes_max.max(HEADER_BUFFER_BYTES_MIN));
    http.http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.streams_per_connection_max)
        .initial_stream_window_size(limits.stream_window_bytes)
        .max_header_list_size(limits.header_bytes_max)
        .max_pending_accept_reset_streams(limits.pending_resets_max)
        .keep_alive_interval(limits.keep_alive_interval);
    http
}
