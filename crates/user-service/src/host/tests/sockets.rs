//! How the tests reach the host: a gRPC client of the generated kind, and HTTP/1.1 written by hand.

use std::net::SocketAddr;

use connectrpc::Protocol;
use connectrpc::client::{ClientConfig, Http2Connection, SharedHttp2Connection};
use connectrpc_health::HealthClient;
use connectrpc_reflection::ServerReflectionClient;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use user_api::v1::UserServiceClient;

pub(super) async fn grpc(address: SocketAddr) -> UserServiceClient<SharedHttp2Connection> {
    let (connection, config) = http2(address).await;
    UserServiceClient::new(connection, config)
}

pub(super) async fn health(address: SocketAddr) -> HealthClient<SharedHttp2Connection> {
    let (connection, config) = http2(address).await;
    HealthClient::new(connection, config)
}

pub(super) async fn reflection(address: SocketAddr) -> ServerReflectionClient<SharedHttp2Connection> {
    let (connection, config) = http2(address).await;
    ServerReflectionClient::new(connection, config)
}

async fn http2(address: SocketAddr) -> (SharedHttp2Connection, ClientConfig) {
    let uri: http::Uri = format!("http://{address}").parse().expect("an address is a host");
    let connection = Http2Connection::connect_plaintext(uri.clone()).await.expect("the host listens");
    (connection.shared(16), ClientConfig::new(uri).with_protocol(Protocol::Grpc))
}

/// `POST`s JSON to a call of the user service; the whole answer as text.
pub(super) async fn json(address: SocketAddr, call: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    let request = format!(
        "POST /user.v1.UserService/{call} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
    );
    raw(address, &request).await
}

pub(super) async fn get(address: SocketAddr, path: &str) -> String {
    raw(address, &format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")).await
}

/// Sends exactly this and reads until the host closes the connection.
pub(super) async fn raw(address: SocketAddr, bytes: &str) -> String {
    let mut stream = TcpStream::connect(address).await.expect("the host listens");
    stream.write_all(bytes.as_bytes()).await.expect("the host reads");
    until_closed(stream).await
}

/// A reset is as closed as an end.
pub(super) async fn until_closed(mut stream: impl AsyncRead + Unpin) -> String {
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}
