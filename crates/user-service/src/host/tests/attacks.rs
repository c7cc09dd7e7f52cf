//! Callers who mean harm. While they are at it a well-behaved caller gets all her answers, and memory does not grow; they
//! themselves are cut off, or wait.

use std::net::SocketAddr;
use std::time::Duration;

use async_trait::async_trait;
use axum::extract::Request;
use axum::response::Response;
use futures_util::future::{join_all, pending};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy, sink};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use super::frames::{
    CONTINUATION, END_HEADERS, END_STREAM, HEADERS, PING, RST_STREAM, SETTINGS, frame, get, next,
    silent_stranger, stranger,
};
use super::rehearsal::scene;
use super::{Running, sockets, start, start_routes};
use crate::host::{Gatekeeper, HostLimits, Readiness};

const SOON: Duration = Duration::from_millis(50);
const NEVER: Duration = Duration::from_hours(24);

/// More than any attack here may cost. Test clients and their buffers are in it.
const GROWTH_BYTES_MAX: u64 = 64 << 20;

/// How often an attack repeats itself before it is taken for tolerated.
const TIMES: u32 = 20_000;

/// How many others ask while an attack goes on that has no end.
const CALLS: usize = 300;

/// A call of the health service, which is answered as any other and needs no body.
const PATH: &str = "/user.v1.UserService/GetUser?encoding=json&message={}";

/// Calls until the attack has ended, and requires that every call is answered.
async fn besides(host: &Running, attack: impl Future<Output = ()>) {
    let (client, before) = (sockets::grpc(host.api).await, resident_bytes());
    let others = async {
        loop {
            client.verify_password(scene("ada")).await.expect("the others are answered");
        }
    };
    tokio::select! {
        () = attack => {}
        () = others => {}
    }
    client.verify_password(scene("ada")).await.expect("and afterwards, too");
    let grown = resident_bytes().saturating_sub(before);
    assert!(grown < GROWTH_BYTES_MAX, "the process has grown by {grown} bytes");
}

fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: u64 = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok()).unwrap_or_default();
    pages * rustix::param::page_size() as u64
}

/// Sends until the host closes the connection, or often enough to say that it never will. Reads what it is told.
async fn repeated(host: SocketAddr, opening: &[u8], repeat: impl Fn(u32) -> Vec<u8>) -> bool {
    let (mut answers, mut requests) = stranger(host, &[]).await.into_split();
    let heard = tokio::spawn(async move { copy(&mut answers, &mut sink()).await });
    if requests.write_all(opening).await.is_err() {
        return true;
    }
    for n in 0..TIMES {
        if requests.write_all(&repeat(n)).await.is_err() || heard.is_finished() {
            return true;
        }
    }
    // What has been sent may not have been read yet; an answer to this comes after all of it, or the end.
    let _ = requests.write_all(&frame(PING, 0, 0, &[7; 8])).await;
    drop(requests);
    heard.is_finished()
}

fn reset(n: u32) -> Vec<u8> {
    let stream = 2 * n + 1;
    let mut frames = frame(HEADERS, END_STREAM | END_HEADERS, stream, &get(PATH));
    frames.extend(frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes()));
    frames
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rapid_resets_end_the_connection() {
    let host = start(HostLimits::default()).await;
    let attack = async { assert!(repeated(host.api, &[], reset).await, "closed before the end") };
    besides(&host, attack).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_their_bound_rapid_resets_go_on() {
    let host = start(HostLimits { pending_resets_max: usize::MAX, ..HostLimits::default() }).await;
    assert!(!repeated(host.api, &[], reset).await, "nothing else closes it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn headers_without_an_end_end_the_connection() {
    let host = start(HostLimits::default()).await;
    let opening = frame(HEADERS, END_STREAM, 1, &get(PATH));
    // An empty value of a header named x, again and again.
    let more = |_| frame(CONTINUATION, 0, 1, &[0x00, 1, b'x', 0]);
    let attack = async { assert!(repeated(host.api, &opening, more).await, "closed before the end") };
    besides(&host, attack).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pings_and_settings_without_end_wait_for_their_answers_to_be_read() {
    let host = start(HostLimits::default()).await;
    for flood in [frame(PING, 0, 0, &[0; 8]), frame(SETTINGS, 0, 0, &[0, 3, 0, 0, 0, 100])] {
        let flood = flood.repeat(1000);
        let endless = async {
            let mut never_read = stranger(host.api, &[]).await;
            while never_read.write_all(&flood).await.is_ok() {}
        };
        let client = sockets::grpc(host.api).await;
        let others = join_all((0..CALLS).map(|_| client.verify_password(scene("ada"))));
        let attack = async {
            tokio::select! {
                () = endless => {}
                answers = others => assert!(answers.iter().all(Result::is_ok), "the others are answered"),
            }
        };
        besides(&host, attack).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn headers_that_trickle_in_are_not_waited_for() {
    let host = start(HostLimits { header_read_timeout: SOON, ..HostLimits::default() }).await;
    let attack = async {
        let mut slow = silent_stranger(host.api).await.expect("there is room");
        slow.write_all(b"POST / HTTP/1.1\r\nx-slow: ").await.expect("the host reads");
        while slow.write_all(b"x").await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    besides(&host, attack).await;
}

/// Headers of a call whose body does not come.
const WITHOUT_BODY: &[u8] = b"POST /user.v1.UserService/VerifyPassword HTTP/1.1\r\nhost: localhost\r\n\
    content-type: application/json\r\ncontent-length: 100\r\n\r\n{\"id\":";

#[tokio::test]
async fn a_body_that_does_not_come_takes_no_share_and_is_not_waited_for() {
    let limits = HostLimits { body_read_timeout: SOON, password_calls_max: 1, ..HostLimits::default() };
    let host = start(limits).await;
    let attack = async {
        let mut slow = silent_stranger(host.api).await.expect("there is room");
        slow.write_all(WITHOUT_BODY).await.expect("the host reads");
        let mut answer = vec![0; 1000];
        let read = slow.read(&mut answer).await.expect("an answer");
        let answer = String::from_utf8_lossy(&answer[..read]).into_owned();
        assert!(answer.starts_with("HTTP/1.1 504 ") && answer.contains("REQUEST_TOO_SLOW"), "{answer}");
    };
    besides(&host, attack).await;
}

#[tokio::test]
async fn who_sends_many_bodies_by_half_takes_the_places_of_one_address_only() {
    let limits = HostLimits { body_read_timeout: NEVER, calls_per_address_max: 2, ..HostLimits::default() };
    let host = start(limits).await;
    let attack = async {
        let mut slow = Vec::new();
        while host.counted("user_service_shed_calls_total{kind=\"password\",cause=\"address\"}") == 0 {
            let mut one = silent_stranger(host.api).await.expect("there is room");
            one.write_all(WITHOUT_BODY).await.expect("the host reads");
            slow.push(one);
        }
    };
    besides(&host, attack).await;
}

/// A window of nothing: answers cannot be sent.
const NO_WINDOW: &[u8] = &[0, 4, 0, 0, 0, 0];

#[tokio::test]
async fn answers_that_nobody_takes_are_dropped() {
    let host = start(HostLimits { stalled_max: SOON, ..HostLimits::default() }).await;
    let attack = async {
        let mut stalled = stranger(host.api, NO_WINDOW).await;
        for n in 0..10 {
            let call = frame(HEADERS, END_STREAM | END_HEADERS, 2 * n + 1, &get(PATH));
            stalled.write_all(&call).await.expect("the host reads");
        }
        let mut dropped = 0;
        while dropped < 10 {
            let (kind, _) = next(&mut stalled).await.expect("the connection stays");
            dropped += u32::from(kind == RST_STREAM);
        }
    };
    besides(&host, attack).await;
    assert_eq!(host.counted("user_service_stalled_answers_total"), 10);
}

#[tokio::test]
async fn an_answer_that_nobody_takes_keeps_its_place_until_then() {
    let host = start(HostLimits { stalled_max: NEVER, calls_max: 1, ..HostLimits::default() }).await;
    let mut stalled = stranger(host.api, NO_WINDOW).await;
    let call = frame(HEADERS, END_STREAM | END_HEADERS, 1, &get(PATH));
    stalled.write_all(&call).await.expect("the host reads");
    while next(&mut stalled).await.expect("the connection stays").0 != HEADERS {}
    let answer = sockets::json(host.api, "GetUser", "", "{}").await;
    assert!(answer.contains("OVERLOADED"), "{answer}");
    drop(stalled);
    while sockets::json(host.api, "GetUser", "", "{}").await.contains("OVERLOADED") {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_asks_on_and_on_without_reading_is_cut_off() {
    let host = start(HostLimits { stalled_max: SOON, ..HostLimits::default() }).await;
    let body = format!(r#"{{"id":"{}","password":"right"}}"#, "x".repeat(60_000));
    let request = format!(
        "POST /user.v1.UserService/VerifyPassword HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    let attack = async {
        let mut never_read = silent_stranger(host.api).await.expect("there is room");
        while never_read.write_all(request.as_bytes()).await.is_ok() {}
    };
    besides(&host, attack).await;
}

#[tokio::test]
async fn who_opens_connections_without_end_is_refused_and_the_others_are_not() {
    let limits = HostLimits { connections_max: 20, connections_per_address_max: 10, ..HostLimits::default() };
    let host = start(limits).await;
    let attack = async {
        let mut idle = Vec::new();
        while host.counted("user_service_refused_connections_total{cause=\"address\"}") < 50 {
            idle.extend(silent_stranger(host.api).await);
        }
        for _ in 0..5 {
            sockets::grpc(host.api)
                .await
                .verify_password(scene("ada"))
                .await
                .expect("there is room for others");
        }
    };
    besides(&host, attack).await;
}

#[tokio::test]
async fn without_their_bound_one_address_takes_all_connections() {
    let host = start(HostLimits { connections_max: 20, ..HostLimits::default() }).await;
    let mut idle = Vec::new();
    while host.counted("user_service_refused_connections_total{cause=\"all\"}") == 0 {
        idle.extend(silent_stranger(host.api).await);
    }
    assert_eq!(sockets::get(host.api, "/").await, "", "nobody else gets in");
}

/// Looks up for ever who it is that deletes.
struct Slow(UnboundedSender<()>);

#[async_trait]
impl Gatekeeper for Slow {
    async fn refusal(&self, request: &mut Request) -> Option<Response> {
        if request.uri().path().ends_with("DeleteUser") {
            self.0.send(()).expect("the test goes on");
            pending::<()>().await;
        }
        None
    }
}

async fn start_behind_a_gate(limits: HostLimits) -> (Running, impl AsyncFnMut()) {
    let (waits, mut waiting) = unbounded_channel();
    let host = start_routes(None, limits, Readiness::Ready, |api| api.behind(Slow(waits))).await;
    (host, async move || waiting.recv().await.expect("the gate is there"))
}

#[tokio::test]
async fn who_waits_to_be_known_has_a_place_and_no_share_of_the_work() {
    let (host, mut arrived) =
        start_behind_a_gate(HostLimits { calls_max: 3, writes_max: 1, ..HostLimits::default() }).await;
    for _ in 0..2 {
        tokio::spawn(sockets::json(host.api, "DeleteUser", "", "{}"));
        arrived().await;
    }
    let answer = sockets::json(host.api, "UpdateUser", "", "{}").await;
    assert!(answer.contains("unimplemented"), "there is work to be had: {answer}");
    tokio::spawn(sockets::json(host.api, "DeleteUser", "", "{}"));
    arrived().await;
    let answer = sockets::json(host.api, "UpdateUser", "", "{}").await;
    assert!(answer.contains("OVERLOADED"), "and no place any more: {answer}");
}
