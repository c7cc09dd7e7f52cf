//! JSON over HTTP/1.0, written by hand: what comes back is text, and is searched as it came.

use std::net::SocketAddr;

use anyhow::{Context, ensure};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use super::canary::CANARY;

/// What came back.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: String,
}

impl Answer {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }
}

/// Calls the service. What calls is personal too: its name stands with what it did.
pub(super) async fn post(address: SocketAddr, call: &str, request: &Value) -> anyhow::Result<Answer> {
    let body = request.to_string();
    let head = format!(
        "POST /user.v1.UserService/{call} HTTP/1.0\r\nhost: localhost\r\nuser-agent: {CANARY}/1.0\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all([head, body].concat().as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let (head, body) = answer.split_once("\r\n\r\n").context("an answer has a head")?;
    let status = head.split(' ').nth(1).context("and a status")?.parse()?;
    Ok(Answer { status, body: body.to_owned() })
}

/// The same, of what nothing speaks against.
pub(super) async fn done(address: SocketAddr, call: &str, request: Value) -> anyhow::Result<Value> {
    let answer = post(address, call, &request).await?;
    ensure!(answer.status == 200, "{call} is refused: {}", answer.body);
    Ok(answer.json())
}

/// What a feed tells over plain HTTP until it has caught up, or ends.
pub(super) async fn events(address: SocketAddr, query: &str) -> anyhow::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET /user.v1/events?{query} HTTP/1.0\r\nhost: localhost\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let (mut lines, mut told) = (BufReader::new(stream).lines(), String::new());
    while let Some(line) = lines.next_line().await? {
        told.push_str(&line);
        told.push('\n');
        if line.contains("FEED_MARK_CAUGHT_UP") {
            break;
        }
    }
    ensure!(told.starts_with("HTTP/1.0 200") || told.starts_with("HTTP/1.1 200"), told);
    Ok(told)
}
