//! JSON over HTTP/1.0, written by hand: the least that a caller needs, and no answer comes in chunks.

use std::net::SocketAddr;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

/// A header of a request.
pub(crate) type Header<'a> = (&'a str, &'a str);

/// Calls the user service.
pub(crate) async fn post(address: SocketAddr, call: &str, body: &str) -> Answer {
    post_with(address, call, &[], body).await
}

/// The same with headers.
pub(crate) async fn post_with(address: SocketAddr, call: &str, headers: &[Header<'_>], body: &str) -> Answer {
    let length = body.len();
    let headers = headers.iter().map(|(name, value)| [*name, ": ", *value, "\r\n"].concat());
    let headers = headers.collect::<Vec<_>>().concat();
    let request = format!(
        "POST /user.v1.UserService/{call} HTTP/1.0\r\nhost: localhost\r\n{headers}\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    let mut stream = TcpStream::connect(address).await.expect("the service listens");
    stream.write_all(request.as_bytes()).await.expect("the service reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("the service answers in UTF-8");
    let (head, body) = answer.split_once("\r\n\r\n").expect("an answer has a head");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status line");
    let body = serde_json::from_str(body).unwrap_or_else(|_| panic!("{call} is answered with {body:?}"));
    Answer { status, body }
}

/// What an address of operations says: head and body.
pub(crate) async fn get(address: SocketAddr, path: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).await.expect("the service listens");
    let request = format!("GET {path} HTTP/1.0\r\nhost: localhost\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("the service reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("the service answers in UTF-8");
    let (head, body) = answer.split_once("\r\n\r\n").expect("an answer has a head");
    (head.to_owned(), body.to_owned())
}

/// An error on one line: its code, its reason, and the fields that are to blame.
pub(crate) fn refusal_of(error: &Value) -> String {
    let details = error["details"].as_array().cloned().unwrap_or_default();
    let of_type = |name: &str| {
        let found = details.iter().find(|detail| detail["type"] == name);
        found.map_or(Value::Null, |detail| detail["debug"].clone())
    };
    let violations = of_type("google.rpc.BadRequest")["fieldViolations"].clone();
    let fields = violations.as_array().cloned().unwrap_or_default();
    let fields: Vec<&str> = fields.iter().filter_map(|violation| violation["field"].as_str()).collect();
    let words = [
        error["code"].as_str().unwrap_or("?").to_owned(),
        of_type("google.rpc.ErrorInfo")["reason"].as_str().unwrap_or("?").to_owned(),
        fields.join(","),
    ];
    words.join(" ").trim_end().to_owned()
}
