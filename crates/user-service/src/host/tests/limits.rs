//! What one caller cannot take from the others: time, memory, connections.

use std::time::Duration;

use connectrpc::ErrorCode;
use tokio::net::TcpStream;

use super::rehearsal::scene;
use super::{sockets, start};
use crate::host::HostLimits;

const SOON: Duration = Duration::from_millis(50);

#[tokio::test]
async fn a_call_without_a_deadline_gets_one() {
    let host = start(HostLimits { deadline_default: SOON, ..HostLimits::default() }).await;
    let error =
        sockets::grpc(host.api).await.verify_password(scene("wait")).await.expect_err("nobody releases it");
    assert_eq!(error.code, ErrorCode::DeadlineExceeded);
}

#[tokio::test]
async fn the_host_keeps_the_deadline_that_a_caller_sets() {
    let host = start(HostLimits::default()).await;
    let answer =
        sockets::json(host.api, "VerifyPassword", "connect-timeout-ms: 50\r\n", r#"{"id":"wait"}"#).await;
    assert!(answer.starts_with("HTTP/1.1 504 "), "{answer}");
    assert!(answer.contains(r#""code":"deadline_exceeded""#), "{answer}");
}

#[tokio::test]
async fn a_deadline_beyond_the_longest_is_the_longest() {
    let host = start(HostLimits { deadline_max: SOON, ..HostLimits::default() }).await;
    let answer =
        sockets::json(host.api, "VerifyPassword", "connect-timeout-ms: 86400000\r\n", r#"{"id":"wait"}"#)
            .await;
    assert!(answer.starts_with("HTTP/1.1 504 "), "{answer}");
}

#[tokio::test]
async fn a_message_may_be_as_large_as_the_limit_and_no_larger() {
    let host = start(HostLimits::default()).await;
    let client = sockets::grpc(host.api).await;
    let mut request = scene("ada");
    // Two tags and two lengths (1 + 1 for the id, 1 + 3 for the password) frame the two values.
    request.password = "x".repeat(64 * 1024 - "ada".len() - 6);
    client.verify_password(request.clone()).await.expect("64 KiB are allowed");
    request.password.push('x');
    let error = client.verify_password(request).await.expect_err("a byte too many");
    assert_eq!(error.code, ErrorCode::ResourceExhausted);
}

#[tokio::test]
async fn a_json_body_that_is_too_large_is_refused_too() {
    let host = start(HostLimits::default()).await;
    let body = format!(r#"{{"id":"ada","password":"{}"}}"#, "x".repeat(70_000));
    let answer = sockets::json(host.api, "VerifyPassword", "", &body).await;
    assert!(answer.contains(r#""code":"resource_exhausted""#), "{answer}");
}

#[tokio::test]
async fn headers_that_are_too_large_are_refused() {
    let host = start(HostLimits::default()).await;
    let header = format!("x-large: {}\r\n", "x".repeat(9 * 1024));
    let answer = sockets::json(host.api, "VerifyPassword", &header, "{}").await;
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
}

#[tokio::test]
async fn one_connection_too_many_is_closed_and_the_others_live_on() {
    let host = start(HostLimits { connections_max: 1, ..HostLimits::default() }).await;
    let client = sockets::grpc(host.api).await;
    client.verify_password(scene("ada")).await.expect("the first connection");
    let second = TcpStream::connect(host.api).await.expect("the system accepts it before we do");
    assert_eq!(sockets::until_closed(second).await, "");
    client.verify_password(scene("ada")).await.expect("the first connection again");
}

#[tokio::test]
async fn a_caller_who_says_nothing_is_not_waited_for() {
    let host = start(HostLimits { header_read_timeout: SOON, ..HostLimits::default() }).await;
    for beginning in ["", "PRI * HTTP/2.0\r\n", "POST /user.v1.UserService/GetUser HTTP/1.1\r\n"] {
        // That this ends is the test; HTTP/1.1 may say 408 before it closes.
        let answer = sockets::raw(host.api, beginning).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408 "), "{answer}");
    }
}
