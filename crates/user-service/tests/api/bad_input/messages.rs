//! What is no message at all, or none of the right kind, sent to every call of the contract in both codecs.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;

use buffa::Message as _;
use buffa_descriptor::generated::descriptor::FileDescriptorSet;
use insta::{allow_duplicates, assert_snapshot};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::values::{calls, long, streams};
use crate::stage::{Stage, on_both_stores, refusal_of};

on_both_stores!(no_call_takes_what_is_no_message);

/// The flag and the length in front of a message of a stream.
const PREFIX_BYTES: usize = 5;

#[test]
fn every_call_of_the_contract_is_tried() {
    let contract = methods();
    let mut tried = calls("").into_iter().chain(streams()).map(|(call, ..)| call).collect::<Vec<_>>();
    tried.push("ImportUsers"); // by its rows: see imports.rs
    let forgotten: Vec<_> = contract.keys().filter(|call| !tried.contains(&call.as_str())).collect();
    assert!(forgotten.is_empty(), "values.rs has no row for {forgotten:?}");
}

async fn no_call_takes_what_is_no_message(stage: &Stage) {
    let alice = stage.create("alice").await;
    let many = long(70_000);
    let large = format!(r#"{{"id":"{many}"}}"#);
    let large_message = [&[0x0a, 0xf0, 0xa2, 0x04], many.as_bytes()].concat();
    let messages: [(&str, &str, &[u8]); 10] = [
        ("nothing", "json", b""),
        ("half an object", "json", b"{"),
        ("a number", "json", b"7"),
        ("no UTF-8", "json", b"{\"\xc3\x28\":1}"),
        ("too large", "json", large.as_bytes()),
        ("no tag", "proto", b"\xff"),
        ("half a field", "proto", b"\x0a\x05ab"),
        ("a group without end", "proto", b"\x0b"),
        ("field zero", "proto", b"\x02\x00"),
        ("too large", "proto", &large_message),
    ];
    let mut told: [BTreeMap<String, Vec<String>>; 2] = Default::default();
    for (call, kind) in methods() {
        let mut table = String::new();
        for (word, codec, message) in messages {
            let refusal = refusal(stage.service.address, &call, kind, codec, message).await;
            writeln!(table, "  {word}, {codec}: {refusal}").unwrap();
        }
        told[kind as usize].entry(table).or_default().push(call);
    }
    assert_eq!((stage.head().await, stage.get(&alice).await), (1, alice), "nothing was written");
    let [of_message, of_stream] = told.map(|told| {
        assert_eq!(told.len(), 1, "all are told the same: {told:#?}");
        told.into_keys().collect::<String>()
    });
    allow_duplicates! {
        assert_snapshot!(of_message, @"
          nothing, json: invalid_argument MALFORMED_REQUEST
          half an object, json: invalid_argument MALFORMED_REQUEST
          a number, json: invalid_argument MALFORMED_REQUEST
          no UTF-8, json: invalid_argument MALFORMED_REQUEST
          too large, json: resource_exhausted MESSAGE_TOO_LARGE
          no tag, proto: invalid_argument MALFORMED_REQUEST
          half a field, proto: invalid_argument MALFORMED_REQUEST
          a group without end, proto: invalid_argument MALFORMED_REQUEST
          field zero, proto: invalid_argument MALFORMED_REQUEST
          too large, proto: resource_exhausted MESSAGE_TOO_LARGE
        ");
        assert_snapshot!(of_stream, @"
          nothing, json: invalid_argument MALFORMED_REQUEST
          half an object, json: invalid_argument MALFORMED_REQUEST
          a number, json: invalid_argument MALFORMED_REQUEST
          no UTF-8, json: invalid_argument MALFORMED_REQUEST
          too large, json: resource_exhausted MESSAGE_TOO_LARGE
          no tag, proto: invalid_argument MALFORMED_REQUEST
          half a field, proto: invalid_argument MALFORMED_REQUEST
          a group without end, proto: invalid_argument MALFORMED_REQUEST
          field zero, proto: invalid_argument MALFORMED_REQUEST
          too large, proto: resource_exhausted MESSAGE_TOO_LARGE
        ");
    }
}

/// How a call is answered.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Message,
    Stream,
}

/// The calls of the contract.
fn methods() -> BTreeMap<String, Kind> {
    let files = FileDescriptorSet::decode_from_slice(user_api::DESCRIPTOR_SET).unwrap();
    let services = files.file.into_iter().flat_map(|file| file.service);
    let users = services.filter(|service| service.name.as_deref() == Some("UserService"));
    let methods = users.flat_map(|service| service.method);
    let kind = |streams| if streams { Kind::Stream } else { Kind::Message };
    methods
        .map(|method| {
            let streams = [method.server_streaming, method.client_streaming].contains(&Some(true));
            (method.name.unwrap_or_default(), kind(streams))
        })
        .collect()
}

/// What is said to bytes that are sent as one message.
async fn refusal(address: SocketAddr, call: &str, kind: Kind, codec: &str, message: &[u8]) -> String {
    let (content_type, body) = match kind {
        Kind::Message => (format!("application/{codec}"), message.to_vec()),
        Kind::Stream => {
            let length = u32::try_from(message.len()).unwrap().to_be_bytes();
            (format!("application/connect+{codec}"), [&[0], &length[..], message].concat())
        }
    };
    let head = format!(
        "POST /user.v1.UserService/{call} HTTP/1.0\r\nhost: localhost\r\ncontent-type: {content_type}\r\n\
         content-length: {}\r\n\r\n",
        body.len()
    );
    let mut stream = TcpStream::connect(address).await.expect("the service listens");
    // It may say no, and close, before it has read everything.
    let _ = stream.write_all(&[head.as_bytes(), &body].concat()).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    let Some(head) = answer.windows(4).position(|it| it == b"\r\n\r\n") else { return "closed".to_owned() };
    let said = &answer[head + 4..];
    match kind {
        Kind::Message => {
            serde_json::from_slice(said).map_or_else(|_| "accepted".to_owned(), |said| refusal_of(&said))
        }
        Kind::Stream => {
            let said: Value =
                serde_json::from_slice(said.get(PREFIX_BYTES..).unwrap_or_default()).unwrap_or_default();
            refusal_of(&said["error"])
        }
    }
}
