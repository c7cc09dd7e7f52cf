//! One trace from the call through decision and append to the projections, as a collector gets it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, HeaderValue};
use hyper::body::Frame;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::process::Running;
use crate::stage::{MASTER_KEY, PASSWORD, Place, on_both_places};

on_both_places!(a_call_and_what_it_leads_to_are_one_trace, who_may_say_anything_does_not_choose_our_trace);

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const CALLER: &str = "b7ad6b7169203331";

/// A span, as far as it matters here.
#[derive(Clone, Debug)]
struct Span {
    id: String,
    parent: String,
    name: String,
    /// Traces that it links to.
    links: Vec<String>,
}

type Collected = Arc<Mutex<Vec<Bytes>>>;

/// A collector that says thank you to everything.
async fn collector() -> (SocketAddr, Collected) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, collected) = (listener.local_addr().unwrap(), Collected::default());
    let router = Router::new().fallback(collect).with_state(Arc::clone(&collected));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (address, collected)
}

async fn collect(State(collected): State<Collected>, body: Bytes) -> Response {
    collected.lock().unwrap().push(body);
    let mut response = Response::new(Body::new(Thanks { said: 0 }));
    response.headers_mut().insert("content-type", HeaderValue::from_static("application/grpc"));
    response
}

/// An empty message of gRPC, and the trailers after it.
struct Thanks {
    said: u8,
}

impl HttpBody for Thanks {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.said += 1;
        let ok = || HeaderMap::from_iter([("grpc-status".parse().unwrap(), HeaderValue::from_static("0"))]);
        Poll::Ready(match self.said {
            1 => Some(Ok(Frame::data(Bytes::from_static(&[0; 5])))),
            2 => Some(Ok(Frame::trailers(ok()))),
            _ => None,
        })
    }
}

/// The fields of a protobuf message that have a length: their numbers and bytes.
fn fields(mut message: &[u8]) -> Vec<(u64, &[u8])> {
    let mut found = Vec::new();
    while !message.is_empty() {
        let key = varint(&mut message);
        let length = match key & 7 {
            0 => {
                varint(&mut message);
                continue;
            }
            1 => 8,
            5 => 4,
            _ => usize::try_from(varint(&mut message)).unwrap(),
        };
        let (value, rest) = message.split_at(length);
        if key & 7 == 2 {
            found.push((key >> 3, value));
        }
        message = rest;
    }
    found
}

fn varint(message: &mut &[u8]) -> u64 {
    let (mut value, mut shift) = (0, 0);
    loop {
        let (byte, rest) = message.split_first().unwrap();
        *message = rest;
        value |= u64::from(byte & 0x7f) << shift;
        shift += 7;
        if byte & 0x80 == 0 {
            return value;
        }
    }
}

/// What stands in one field of each of some messages.
fn within(messages: Vec<&[u8]>, wanted: u64) -> Vec<&[u8]> {
    let fields = messages.into_iter().flat_map(fields);
    fields.filter(|(number, _)| *number == wanted).map(|(_, value)| value).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

/// The spans of a trace, by id.
fn spans(collected: &Collected, wanted: &str) -> BTreeMap<String, Span> {
    let bodies = collected.lock().unwrap();
    let requests = bodies.iter().map(|body| &body[5..]).collect();
    let spans = within(within(within(requests, 1), 2), 2);
    let span = |span: &[u8]| {
        let field = |wanted| within(vec![span], wanted).first().copied().unwrap_or_default();
        let name = String::from_utf8(field(5).to_vec()).unwrap();
        let links = within(within(vec![span], 13), 1).into_iter().map(hex).collect();
        (hex(field(1)), Span { id: hex(field(2)), parent: hex(field(4)), name, links })
    };
    let of_trace = spans.into_iter().map(span).filter(|(trace, _)| trace == wanted);
    of_trace.map(|(_, span)| (span.id.clone(), span)).collect()
}

async fn call(address: SocketAddr, name: &str, body: &str) -> String {
    let length = body.len();
    let request = format!(
        "POST /user.v1.UserService/{name} HTTP/1.0\r\nhost: localhost\r\ncontent-type: application/json\r\n\
         traceparent: 00-{TRACE}-{CALLER}-01\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.0 200"), "{answer}");
    answer
}

async fn a_call_and_what_it_leads_to_are_one_trace(place: &Place) {
    let (address, collected) = collector().await;
    let endpoint = format!("http://{address}");
    let environment = [("USER_SERVICE_MASTER_KEY", MASTER_KEY), ("OTEL_EXPORTER_OTLP_ENDPOINT", &*endpoint)];
    let service = Running::serve_with(place, &["--trust-caller-metadata"], &environment).await;
    let create = json!({"email": "canary@example.org", "username": "canary", "password": PASSWORD});
    call(service.address, "CreateUser", &create.to_string()).await;
    // Projected before the answer comes.
    service.ok("GetActivity", json!({"minPosition": "1"})).await;
    let stopped = service.stop().await;
    assert_eq!(stopped.code, Some(0), "{}", stopped.stderr);
    let spans = spans(&collected, TRACE);
    let find = |name: &str| {
        let found = spans.values().find(|span| span.name == name);
        found.unwrap_or_else(|| panic!("{name} is not among {spans:?}; {}", stopped.stderr)).clone()
    };
    assert_eq!(find("rpc.call.answer").parent, CALLER);
    for name in ["bus.command.execute", "bus.command.decide", "log.events.append"] {
        let mut at = find(name);
        while let Some(above) = spans.get(&at.parent) {
            at = above.clone();
        }
        assert_eq!(at.name, "rpc.call.answer", "{name} is under the call");
    }
    find("projection.event.project");
    let bytes = collected.lock().unwrap().concat();
    assert!(!String::from_utf8_lossy(&bytes).contains("canary"), "a trace tells nothing about her");
}

async fn who_may_say_anything_does_not_choose_our_trace(place: &Place) {
    let (address, collected) = collector().await;
    let endpoint = format!("http://{address}");
    let environment = [("USER_SERVICE_MASTER_KEY", MASTER_KEY), ("OTEL_EXPORTER_OTLP_ENDPOINT", &*endpoint)];
    let service = Running::serve_with(place, &[], &environment).await;
    let create = json!({"email": "canary@example.org", "username": "canary", "password": PASSWORD});
    call(service.address, "CreateUser", &create.to_string()).await;
    let events = service.ok("ListEvents", json!({})).await;
    let correlation = events["events"][0]["correlationId"].as_str().unwrap().replace('-', "");
    assert_ne!(correlation, TRACE);
    let stopped = service.stop().await;
    assert_eq!(stopped.code, Some(0), "{}", stopped.stderr);
    assert!(spans(&collected, TRACE).is_empty(), "nothing of ours is in a trace of hers");
    let ours = spans(&collected, &correlation);
    let root = ours.values().find(|span| span.name == "rpc.call.answer").expect("it is ours");
    assert_eq!((root.parent.as_str(), root.links.as_slice()), ("", &[TRACE.to_owned()][..]));
}
