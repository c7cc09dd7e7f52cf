//! gRPC as it goes over the wire, by hand on hyper: whoever calls shares the machine with what is measured, so nothing is
//! done twice and an answer is looked at, not decoded.

use std::net::SocketAddr;

use anyhow::{Context, ensure};
use bytes::{BufMut, Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper::header::{CONTENT_TYPE, TE};
use hyper::{Method, Request, Response, Version};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;

/// A connection, shared by those who call on it.
#[derive(Clone, Debug)]
pub(super) struct Wire {
    sender: SendRequest<Full<Bytes>>,
    address: SocketAddr,
}

impl Wire {
    pub(super) async fn to(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioExecutor::new(), TokioIo::new(stream)).await?;
        // It ends with its sender; what it has to say then is said to those who call, too.
        tokio::spawn(async move { drop(connection.await) });
        Ok(Self { sender, address })
    }

    /// One call. Fails unless it is answered with OK and a message about the user who was asked for, which is the answer.
    pub(super) async fn call(&mut self, path: &str, message: &[u8], about: &str) -> anyhow::Result<Bytes> {
        let answer = self.send(path, &[message]).await?;
        let found = answer.windows(about.len()).any(|part| part == about.as_bytes());
        ensure!(found, "an answer about somebody else");
        Ok(answer)
    }

    /// A call of one or more messages. Fails unless it is answered with OK and a message, which is the answer.
    pub(super) async fn send(&mut self, path: &str, messages: &[impl AsRef<[u8]>]) -> anyhow::Result<Bytes> {
        let bytes = messages.iter().map(|message| PREFIX + message.as_ref().len()).sum();
        let mut body = BytesMut::with_capacity(bytes);
        for message in messages {
            body.put_u8(0); // not compressed
            body.put_u32(u32::try_from(message.as_ref().len())?);
            body.put_slice(message.as_ref());
        }
        let request = Request::builder()
            .method(Method::POST)
            .version(Version::HTTP_2)
            .uri(format!("http://{}/{}", self.address, path))
            .header(CONTENT_TYPE, "application/grpc")
            .header(TE, "trailers")
            .body(Full::new(body.freeze()))?;
        self.sender.ready().await?;
        let answer = self.sender.send_request(request).await?;
        check(answer).await
    }
}

/// A byte of flags and the length.
const PREFIX: usize = 5;

async fn check(answer: Response<hyper::body::Incoming>) -> anyhow::Result<Bytes> {
    let (head, body) = answer.into_parts();
    let body = body.collect().await?;
    let status = body.trailers().and_then(|trailers| trailers.get("grpc-status"));
    let status = status.or_else(|| head.headers.get("grpc-status")).context("no status")?;
    let said = || format!("{status:?}: {:?} {:?}", head.headers.get("grpc-message"), body.trailers());
    ensure!(status == "0", "refused with {}", said());
    let mut bytes = body.to_bytes();
    ensure!(bytes.len() >= PREFIX, "an answer without a message");
    Ok(bytes.split_off(PREFIX))
}
