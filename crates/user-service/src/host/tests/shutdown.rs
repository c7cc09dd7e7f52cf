//! Stopping: who is being answered is answered, who is not yet is told to go elsewhere, and it ends.

use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::time::Duration;

use connectrpc_health::wire::{HealthCheckRequest, ServingStatus};
use tokio::net::TcpStream;

use super::rehearsal::scene;
use super::{Drained, sockets, start};
use crate::host::HostLimits;

#[tokio::test]
async fn a_call_in_flight_is_answered_and_nobody_new_gets_in() {
    let host = start(HostLimits::default()).await;
    let client = sockets::grpc(host.api).await;
    let call = tokio::spawn(async move { client.verify_password(scene("wait")).await });
    host.service.arrived.notified().await;
    host.stop.cancel();
    not_ready(host.operations).await;
    refused(host.api).await;
    host.service.release.notify_one();
    call.await.expect("no panic").expect("answered although the service is stopping");
    assert_eq!(host.drained().await, Drained { connections_cut: 0 });
}

#[tokio::test]
async fn a_call_that_does_not_end_is_cut_at_the_bound_and_dropped() {
    let limits = HostLimits { drain_max: Duration::from_millis(50), ..HostLimits::default() };
    let host = start(limits).await;
    let (client, service) = (sockets::grpc(host.api).await, host.service.clone());
    let call = tokio::spawn(async move { client.verify_password(scene("wait")).await });
    service.arrived.notified().await;
    assert_eq!(host.drained().await, Drained { connections_cut: 1 });
    assert_eq!(service.running.load(Ordering::SeqCst), 0, "the store may be closed now");
    call.await.expect("no panic").expect_err("cut");
}

#[tokio::test]
async fn who_watches_health_hears_of_it_and_does_not_hold_the_end_up() {
    let host = start(HostLimits::default()).await;
    let mut watch =
        sockets::health(host.api).await.watch(HealthCheckRequest::default()).await.expect("known");
    let mut heard = Vec::new();
    while let Some(answer) = watch.message().await.expect("ended, not cut") {
        heard.push(answer.to_owned_message().status);
        host.stop.cancel();
    }
    assert_eq!(heard, [ServingStatus::Serving, ServingStatus::NotServing]);
    assert_eq!(host.drained().await, Drained { connections_cut: 0 });
}

#[tokio::test]
async fn idle_connections_do_not_hold_the_end_up() {
    let host = start(HostLimits::default()).await;
    let client = sockets::grpc(host.api).await;
    client.verify_password(scene("ada")).await.expect("answered");
    let _silent = TcpStream::connect(host.api).await.expect("the host listens");
    assert_eq!(host.drained().await, Drained { connections_cut: 0 });
}

/// Readiness follows the order to stop as soon as the host has seen it: asked until it has.
async fn not_ready(operations: SocketAddr) {
    while !sockets::get(operations, "/readyz").await.ends_with("The service is shutting down.\n") {}
}

/// The listener goes when the host has seen the order to stop: asked until it has.
async fn refused(api: SocketAddr) {
    while TcpStream::connect(api).await.is_ok() {}
}
