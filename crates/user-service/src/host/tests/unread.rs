//! Callers who are refused before they have sent everything.

use std::time::Duration;

use async_trait::async_trait;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use super::frames::{
    DATA, END_HEADERS, END_STREAM, HEADERS, PING, RST_STREAM, frame, head, next, post, stranger,
};
use super::{Running, start, start_routes};
use crate::host::{Gatekeeper, HostLimits, Readiness};

const NEVER: Duration = Duration::from_hours(24);

/// Lets nobody in and reads nothing.
struct Closed;

#[async_trait]
impl Gatekeeper for Closed {
    async fn refusal(&self, _: &mut Request) -> Option<Response> {
        Some(StatusCode::UNAUTHORIZED.into_response())
    }
}

async fn start_refusing(limits: HostLimits) -> Running {
    start_routes(None, limits, Readiness::Ready, |api| api.behind(Closed)).await
}

/// Has sent the headers of a call, and has been told that it is refused.
async fn refused(host: &Running) -> TcpStream {
    let mut stream = stranger(host.api, &[]).await;
    let call = frame(HEADERS, END_HEADERS, 1, &post("/user.v1.UserService/CreateUser"));
    stream.write_all(&call).await.expect("the host reads");
    until(&mut stream, HEADERS).await;
    stream
}

/// Reads what it is told until a frame of this kind; the kinds of the frames before it.
async fn until(stream: &mut TcpStream, kind: u8) -> Vec<u8> {
    let mut before = Vec::new();
    loop {
        match next(stream).await.expect("the connection stays").0 {
            found if found == kind => return before,
            other => before.push(other),
        }
    }
}

#[tokio::test]
async fn who_is_refused_may_send_the_rest() {
    let host = start_refusing(HostLimits::default()).await;
    let mut stream = refused(&host).await;
    let mut rest = frame(DATA, 0, 1, b"{");
    rest.extend(frame(DATA, END_STREAM, 1, b"}"));
    // The answer to this comes after all that the host has to say of the rest.
    rest.extend(frame(PING, 0, 0, &[7; 8]));
    stream.write_all(&rest).await.expect("the host reads");
    assert!(!until(&mut stream, PING).await.contains(&RST_STREAM));
}

#[tokio::test]
async fn the_rest_is_waited_for_so_long_and_no_longer() {
    let limits = HostLimits { unread_timeout: Duration::from_millis(50), ..HostLimits::default() };
    let host = start_refusing(limits).await;
    until(&mut refused(&host).await, RST_STREAM).await;
}

#[tokio::test]
async fn the_rest_is_so_large_and_no_larger() {
    let limits = HostLimits { message_bytes_max: 1000, unread_timeout: NEVER, ..HostLimits::default() };
    let host = start_refusing(limits).await;
    let mut stream = refused(&host).await;
    stream.write_all(&frame(DATA, 0, 1, &[b'x'; 2000])).await.expect("the host reads");
    until(&mut stream, RST_STREAM).await;
}

#[tokio::test]
async fn an_answer_to_head_has_no_body() {
    let host = start(HostLimits::default()).await;
    for path in ["/user.v1.UserService/UpdateUser", "/nothing/here"] {
        let mut stream = stranger(host.api, &[]).await;
        let call = frame(HEADERS, END_HEADERS | END_STREAM, 1, &head(path));
        stream.write_all(&call).await.expect("the host reads");
        until(&mut stream, HEADERS).await;
        stream.write_all(&frame(PING, 0, 0, &[7; 8])).await.expect("the host reads");
        assert!(!until(&mut stream, PING).await.contains(&DATA), "{path}");
    }
}
