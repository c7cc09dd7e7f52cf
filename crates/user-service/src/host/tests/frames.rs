//! HTTP/2 written by hand, for callers who do not keep to it.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

pub(super) const DATA: u8 = 0;
pub(super) const HEADERS: u8 = 1;
pub(super) const RST_STREAM: u8 = 3;
pub(super) const SETTINGS: u8 = 4;
pub(super) const PING: u8 = 6;
pub(super) const CONTINUATION: u8 = 9;

/// The flag of the last frame of a stream.
pub(super) const END_STREAM: u8 = 1;
/// The flag of the last frame of headers.
pub(super) const END_HEADERS: u8 = 4;

/// What every connection begins with.
pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// RFC 9113, section 4.1.
pub(super) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("frames are short");
    let mut frame = length.to_be_bytes()[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// The headers of a call by Connect's GET, with nothing from a table but the method: RFC 7541, section 6.
pub(super) fn get(path: &str) -> Vec<u8> {
    request(&[0x82], path)
}

/// The same by POST.
pub(super) fn post(path: &str) -> Vec<u8> {
    request(&[0x83], path)
}

/// The same by HEAD.
pub(super) fn head(path: &str) -> Vec<u8> {
    request(b"\x02\x04HEAD", path)
}

fn request(method: &[u8], path: &str) -> Vec<u8> {
    let length = u8::try_from(path.len()).ok().filter(|length| *length < 127).expect("the path is short");
    let mut headers = method.to_vec();
    headers.extend([0x86, 0x01, 9]);
    headers.extend(b"localhost");
    headers.extend([0x04, length]);
    headers.extend(path.as_bytes());
    headers
}

/// A connection that has said hello, with these settings, from another address of this machine than other callers have.
pub(super) async fn stranger(host: SocketAddr, settings: &[u8]) -> TcpStream {
    let mut stream = silent_stranger(host).await.expect("there is room");
    stream.write_all(PREFACE).await.expect("the host reads");
    stream.write_all(&frame(SETTINGS, 0, 0, settings)).await.expect("the host reads");
    stream
}

/// The same that says nothing.
pub(super) async fn silent_stranger(host: SocketAddr) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind((Ipv4Addr::new(127, 0, 0, 2), 0).into())?;
    socket.connect(host).await
}

/// The next frame: its kind and its stream.
pub(super) async fn next(stream: &mut TcpStream) -> std::io::Result<(u8, u32)> {
    let mut head = [0; 9];
    stream.read_exact(&mut head).await?;
    let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
    let mut payload = vec![0; usize::try_from(length).expect("frames are short")];
    stream.read_exact(&mut payload).await?;
    Ok((head[3], u32::from_be_bytes([head[5], head[6], head[7], head[8]])))
}
