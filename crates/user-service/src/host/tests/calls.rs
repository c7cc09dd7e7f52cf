//! What callers get on one port: every protocol, health, reflection, and an answer after a panic.

use connectrpc::ErrorCode;
use connectrpc_health::wire::{HealthCheckRequest, ServingStatus};
use connectrpc_reflection::wire::v1::ServerReflectionRequest;
use connectrpc_reflection::wire::v1::server_reflection_request::MessageRequest;

use super::rehearsal::scene;
use super::{Readiness, sockets, start, start_with};
use crate::host::HostLimits;

#[tokio::test]
async fn grpc_and_json_reach_the_same_handler_on_the_same_port() {
    let host = start(HostLimits::default()).await;
    let grpc =
        sockets::grpc(host.api).await.verify_password(scene("ada")).await.expect("answered").into_owned();
    assert_eq!((grpc.valid, grpc.user_id.as_str()), (true, "ada"));
    let json = sockets::json(host.api, "VerifyPassword", "", r#"{"id":"ada","password":"right"}"#).await;
    assert!(json.starts_with("HTTP/1.1 200 "), "{json}");
    assert!(json.contains(r#"{"valid":true,"userId":"ada"}"#), "{json}");
}

#[tokio::test]
async fn a_handler_knows_its_peer_and_its_deadline() {
    let host = start(HostLimits::default()).await;
    let client = sockets::grpc(host.api).await;
    let peer = client.verify_password(scene("peer")).await.expect("answered").into_owned().user_id;
    assert!(peer.starts_with("127.0.0.1:"), "{peer}");
    let left = client.verify_password(scene("seconds left")).await.expect("answered").into_owned().user_id;
    assert!(left.parse::<u64>().is_ok_and(|left| left < 20), "it asked for none, so the default: {left:?}");
}

#[tokio::test]
async fn a_panic_ends_its_own_request_and_no_other() {
    let host = start(HostLimits::default()).await;
    let client = sockets::grpc(host.api).await;
    let neighbour = tokio::spawn({
        let client = client.clone();
        async move { client.verify_password(scene("wait")).await }
    });
    host.service.arrived.notified().await;
    let error = client.verify_password(scene("panic")).await.expect_err("it panicked");
    assert_eq!(error.code, ErrorCode::Internal);
    assert_eq!(error.message.as_deref(), Some("The service failed to answer this request."));
    host.service.release.notify_one();
    neighbour.await.expect("no panic here").expect("the neighbour on the same connection is answered");
}

#[tokio::test]
async fn a_panic_is_internal_in_json_too_and_says_nothing_else() {
    let host = start(HostLimits::default()).await;
    let answer = sockets::json(host.api, "VerifyPassword", "", r#"{"id":"panic"}"#).await;
    assert!(answer.starts_with("HTTP/1.1 500 "), "{answer}");
    assert!(answer.contains(r#""code":"internal""#), "{answer}");
    assert!(!answer.contains("script"), "{answer}");
}

#[tokio::test]
async fn health_knows_the_process_and_the_service() {
    let host = start(HostLimits::default()).await;
    let client = sockets::health(host.api).await;
    for service in ["", "user.v1.UserService"] {
        let request = HealthCheckRequest { service: service.to_owned(), ..Default::default() };
        let answer = client.check(request).await.expect("known").into_owned();
        assert_eq!(answer.status, ServingStatus::Serving, "{service}");
    }
}

#[tokio::test]
async fn reflection_lists_what_is_served() {
    let host = start(HostLimits::default()).await;
    let client = sockets::reflection(host.api).await;
    let mut stream = client.server_reflection_info().await.expect("mounted");
    let request = MessageRequest::ListServices(String::new());
    let request = ServerReflectionRequest { message_request: Some(request), ..Default::default() };
    stream.send(request).await.expect("open");
    let answer = stream.message().await.expect("answered").expect("one answer").to_owned_message();
    let names = format!("{answer:?}");
    for name in ["user.v1.UserService", "grpc.reflection.v1.", "grpc.reflection.v1alpha."] {
        assert!(names.contains(name), "{name} is not in {names}");
    }
}

#[tokio::test]
async fn operations_says_alive_and_ready() {
    let host = start(HostLimits::default()).await;
    for (path, answer) in [("/healthz", "alive\n"), ("/readyz", "ready\n")] {
        let got = sockets::get(host.operations, path).await;
        assert!(got.starts_with("HTTP/1.1 200 ") && got.ends_with(answer), "{got}");
    }
}

#[tokio::test]
async fn operations_says_what_to_know_although_it_is_ready() {
    let warnings = vec!["The log is ahead of the clock.".to_owned()];
    let host = start_with(HostLimits::default(), Readiness::ReadyBut(warnings)).await;
    let got = sockets::get(host.operations, "/readyz").await;
    assert!(got.starts_with("HTTP/1.1 200 "), "{got}");
    assert!(got.ends_with("ready\nThe log is ahead of the clock.\n"), "{got}");
}

#[tokio::test]
async fn operations_says_why_it_is_not_ready() {
    let reasons = vec!["The store is down.".to_owned(), "The clock jumped.".to_owned()];
    let host = start_with(HostLimits::default(), Readiness::NotReady(reasons)).await;
    let got = sockets::get(host.operations, "/readyz").await;
    assert!(got.starts_with("HTTP/1.1 503 "), "{got}");
    assert!(got.ends_with("The store is down.\nThe clock jumped.\n"), "{got}");
}
