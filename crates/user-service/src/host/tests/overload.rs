//! More than there is room for: who is turned away is told so at once, in her protocol, and the others notice nothing.

use connectrpc::ErrorCode;
use connectrpc_health::wire::{HealthCheckRequest, ServingStatus};
use futures_util::future::join_all;

use super::rehearsal::scene;
use super::{Running, sockets, start};
use crate::host::HostLimits;

fn narrow() -> HostLimits {
    HostLimits { reads_max: 1, writes_max: 1, password_calls_max: 1, ..HostLimits::default() }
}

/// A host whose only place for passwords is taken until somebody is released.
async fn full() -> Running {
    let host = start(narrow()).await;
    let client = sockets::grpc(host.api).await;
    tokio::spawn(async move { client.verify_password(scene("wait")).await });
    host.service.arrived.notified().await;
    host
}

#[tokio::test]
async fn who_comes_too_many_is_told_so_in_grpc() {
    let host = full().await;
    let client = sockets::grpc(host.api).await;
    let error = client.verify_password(scene("ada")).await.expect_err("there is one place");
    assert_eq!(error.code, ErrorCode::ResourceExhausted);
    let details: Vec<_> = error.details.iter().map(|detail| detail.type_url.as_str()).collect();
    assert!(
        details[0].ends_with("google.rpc.ErrorInfo") && details[1].ends_with("google.rpc.RetryInfo"),
        "{details:?}"
    );
    host.service.release.notify_one();
}

#[tokio::test]
async fn who_comes_too_many_is_told_so_in_json_and_by_http() {
    let host = full().await;
    let answer = sockets::json(host.api, "VerifyPassword", "", r#"{"id":"ada"}"#).await;
    assert!(answer.starts_with("HTTP/1.1 429 "), "{answer}");
    assert!(answer.contains("\r\nretry-after: 1\r\n"), "{answer}");
    assert!(
        answer.contains(r#""reason":"OVERLOADED""#) && answer.contains(r#""retryDelay":"0.500s""#),
        "{answer}"
    );
}

#[tokio::test]
async fn one_kind_does_not_starve_another_and_health_answers() {
    let host = full().await;
    for (call, told) in
        [("GetUser", "unimplemented"), ("DeleteUser", "unimplemented"), ("CreateUser", "OVERLOADED")]
    {
        let answer = sockets::json(host.api, call, "", "{}").await;
        assert!(answer.contains(told), "{call}: {answer}");
    }
    let health =
        sockets::health(host.api).await.check(HealthCheckRequest::default()).await.expect("answered");
    assert_eq!(health.into_owned().status, ServingStatus::Serving);
}

#[tokio::test]
async fn a_place_is_given_back() {
    let host = start(HostLimits { calls_max: 1, ..narrow() }).await;
    let client = sockets::grpc(host.api).await;
    for _ in 0..3 {
        client.verify_password(scene("ada")).await.expect("the one before has gone");
        client.verify_password(scene("panic")).await.expect_err("as the script says");
    }
}

#[tokio::test]
async fn nobody_waits_behind_those_who_are_executed() {
    let host = full().await;
    let client = sockets::grpc(host.api).await;
    let all = join_all((0..100).map(|_| client.verify_password(scene("ada")))).await;
    // The one that is executed goes on until it is released: that these end shows that none waits for it.
    assert!(
        all.iter()
            .all(|answer| answer.as_ref().is_err_and(|error| error.code == ErrorCode::ResourceExhausted))
    );
    host.service.release.notify_one();
}

#[tokio::test]
async fn one_address_takes_no_more_connections_than_it_may() {
    let host = start(HostLimits { connections_per_address_max: 1, ..HostLimits::default() }).await;
    let client = sockets::grpc(host.api).await;
    client.verify_password(scene("ada")).await.expect("the first connection");
    assert_eq!(sockets::get(host.api, "/").await, "");
    client.verify_password(scene("ada")).await.expect("the first connection again");
    assert_eq!(host.counted("user_service_refused_connections_total{cause=\"address\"}"), 1);
    assert_eq!(host.counted("user_service_open_connections"), 1);
}
