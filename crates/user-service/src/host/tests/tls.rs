//! The host behind TLS: who is believed on either side, and what those who do not get through the handshake cannot take.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use buffa::Message;
use http::Request;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use user_api::v1::VerifyPasswordResponse;

use super::rehearsal::scene;
use super::{Running, sockets, start_behind};
use crate::host::{HostLimits, Readiness};
use crate::tls::authority::{Authority, Pair};
use crate::tls::{Certificates, ClientFiles, ServerFiles, ServerTls, client, connect};

const SOON: Duration = Duration::from_millis(50);

/// A host that shows a certificate, and wants one of somebody's, if that is said.
async fn showing(shown: &Pair, callers: Option<&Authority>, limits: HostLimits) -> Running {
    let (certificate, key) = (shown.certificate.clone(), shown.key.clone());
    let files = ServerFiles { certificate, key, client_ca: callers.map(Authority::root) };
    let tls = ServerTls::open(files, Certificates::default()).expect("the files were written");
    start_behind(Some(tls), limits, Readiness::Ready).await
}

/// A caller who believes an authority, and shows a certificate if she has one.
async fn caller(
    host: &Running,
    believed: &Authority,
    own: Option<&Pair>,
) -> std::io::Result<TlsStream<TcpStream>> {
    let own = own.map(|own| (own.certificate.clone(), own.key.clone()));
    let config = client(&ClientFiles { ca: believed.root(), own }).expect("the files were written");
    connect(config, "localhost", TcpStream::connect(host.api).await?).await
}

/// What is answered over HTTP/1.1 when a scene is asked for; nothing if the host hangs up.
async fn asked(mut stream: TlsStream<TcpStream>, scene: &str) -> String {
    let body = format!(r#"{{"id":"{scene}","password":"right"}}"#);
    let request = format!(
        "POST /user.v1.UserService/VerifyPassword HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    // With TLS 1.3 whoever is not let in is told only when she reads.
    let _ = stream.write_all(request.as_bytes()).await;
    sockets::until_closed(stream).await
}

#[tokio::test]
async fn json_is_answered_over_tls() {
    let authority = Authority::new();
    let host = showing(&authority.issue(&["localhost"]), None, HostLimits::default()).await;
    let answer = asked(caller(&host, &authority, None).await.expect("it is believed"), "ada").await;
    assert!(
        answer.starts_with("HTTP/1.1 200 ") && answer.contains(r#"{"valid":true,"userId":"ada"}"#),
        "{answer}"
    );
    assert_eq!(host.drained().await.connections_cut, 0);
}

#[tokio::test]
async fn grpc_is_answered_over_tls_to_who_asks_for_http2() {
    let authority = Authority::new();
    let host = showing(&authority.issue(&["localhost"]), None, HostLimits::default()).await;
    let files = ClientFiles { ca: authority.root(), own: None };
    let mut config = Arc::unwrap_or_clone(client(&files).expect("the file was written"));
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let stream = TcpStream::connect(host.api).await.expect("the host listens");
    let stream = connect(Arc::new(config), "localhost", stream).await.expect("it is believed");
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (mut sender, connection) =
        http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.expect("it is HTTP/2");
    tokio::spawn(connection);
    let message = scene("ada").encode_to_vec();
    let length = u32::try_from(message.len()).expect("it is short");
    let request = Request::post("https://localhost/user.v1.UserService/VerifyPassword")
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(Body::from([&[0], &length.to_be_bytes()[..], &message].concat()))
        .expect("it is well formed");
    let answer = sender.send_request(request).await.expect("it is answered");
    let body = to_bytes(Body::new(answer.into_body()), 1024).await.expect("it is short");
    let answer = VerifyPasswordResponse::decode_from_slice(&body[5..]).expect("it is one");
    assert!(answer.valid && answer.user_id == "ada");
}

#[tokio::test]
async fn whoever_is_another_or_too_old_is_not_believed() {
    let (authority, another) = (Authority::new(), Authority::new());
    for (shown, why) in [
        (another.issue(&["localhost"]), "UnknownIssuer"),
        (authority.issue(&["service.example"]), "not valid for name \"localhost\""),
        (authority.issue_expired(&["localhost"]), "certificate expired"),
    ] {
        let host = showing(&shown, None, HostLimits::default()).await;
        let error = caller(&host, &authority, None).await.expect_err("she does not believe it");
        assert!(error.to_string().contains(why), "{error}");
    }
}

#[tokio::test]
async fn where_callers_are_known_by_certificates_nobody_else_is_served() {
    let (authority, another) = (Authority::new(), Authority::new());
    let names = &["spiffe://example.org/billing"];
    let host = showing(&authority.issue(&["localhost"]), Some(&authority), HostLimits::default()).await;
    for own in [None, Some(another.issue(names)), Some(authority.issue_expired(names))] {
        // Told in the handshake or, with TLS 1.3, by the end of the connection.
        if let Ok(stream) = caller(&host, &authority, own.as_ref()).await {
            assert_eq!(asked(stream, "ada").await, "");
        }
    }
    let stream = caller(&host, &authority, Some(&authority.issue(names))).await.expect("she is let in");
    let answer = asked(stream, "certificate").await;
    assert!(answer.contains(r#""userId":"spiffe://example.org/billing"}"#), "{answer}");
}

#[tokio::test]
async fn whoever_does_not_speak_tls_is_sent_away() {
    let authority = Authority::new();
    let host = showing(&authority.issue(&["localhost"]), None, HostLimits::default()).await;
    for beginning in ["GET / HTTP/1.1\r\nhost: localhost\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"] {
        // That this ends is the test; what it ends with is an alert.
        assert!(!sockets::raw(host.api, beginning).await.contains("HTTP"));
    }
    let answer = asked(caller(&host, &authority, None).await.expect("it is believed"), "ada").await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

#[tokio::test]
async fn a_handshake_that_takes_too_long_is_over() {
    let authority = Authority::new();
    let limits = HostLimits { handshake_timeout: SOON, ..HostLimits::default() };
    let host = showing(&authority.issue(&["localhost"]), None, limits).await;
    // That this ends is the test.
    sockets::until_closed(TcpStream::connect(host.api).await.expect("the host listens")).await;
}

#[tokio::test]
async fn handshakes_take_no_place_of_those_who_are_served() {
    let authority = Authority::new();
    let limits = HostLimits { connections_max: 1, ..HostLimits::default() };
    let host = showing(&authority.issue(&["localhost"]), None, limits).await;
    let slow = TcpStream::connect(host.api).await.expect("the host listens");
    let answer = asked(caller(&host, &authority, None).await.expect("there is room beside it"), "ada").await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert_eq!(host.drained().await.connections_cut, 0, "nobody waits for a handshake at the end");
    drop(slow);
}

#[tokio::test]
async fn one_handshake_too_many_is_over_and_who_is_served_does_not_notice() {
    let authority = Authority::new();
    let limits = HostLimits { handshakes_max: 1, ..HostLimits::default() };
    let host = showing(&authority.issue(&["localhost"]), None, limits).await;
    let mut served = caller(&host, &authority, None).await.expect("there is room");
    let beginning = "GET / HTTP/1.1\r\nhost: localhost\r\n\r\n";
    served.write_all(beginning.as_bytes()).await.expect("the host reads");
    let mut answer = [0; 12];
    served.read_exact(&mut answer).await.expect("her handshake is over");
    let slow = TcpStream::connect(host.api).await.expect("the host listens");
    assert!(caller(&host, &authority, None).await.is_err(), "there is one place, and it is taken");
    served.write_all(beginning.as_bytes()).await.expect("the host reads");
    served.read_exact(&mut answer).await.expect("she is answered");
    drop(slow);
}

#[test]
fn what_is_no_pair_is_refused() {
    let authority = Authority::new();
    let (one, other) = (authority.issue(&["localhost"]), authority.issue(&["localhost"]));
    let nowhere = authority.root().with_file_name("nowhere.pem");
    for (certificate, key, client_ca, why) in [
        (&one.certificate, &other.key, None, "keys may not be consistent"),
        (&one.certificate, &nowhere, None, "nowhere.pem cannot be used for TLS"),
        (&one.key, &one.key, None, "there is no certificate in it"),
        (&one.certificate, &one.key, Some(one.key.clone()), "there is no certificate in it"),
    ] {
        let files = ServerFiles { certificate: certificate.clone(), key: key.clone(), client_ca };
        let error = ServerTls::open(files, Certificates::default()).expect_err("it is none");
        assert!(error.to_string().contains(why), "{error}");
    }
}
