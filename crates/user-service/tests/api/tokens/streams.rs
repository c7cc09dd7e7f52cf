//! A stream outlives what it was admitted on: it ends when its token does.

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use user_domain::Scope;

use super::{call, guarded, new_user, token};
use crate::stage::{Place, on_both_places};

on_both_places!(a_feed_ends_with_its_token);

async fn a_feed_ends_with_its_token(place: &Place) {
    let service = guarded(place).await;
    let (id, auditor) = token(&service, "auditor", &[Scope::Audit]).await;
    let writer = token(&service, "writer", &[Scope::Write]).await.1;
    let mut feed = TcpStream::connect(service.address).await.unwrap();
    let request = format!(
        "GET /user.v1/events?after_position=0 HTTP/1.0\r\nhost: localhost\r\nauthorization: {auditor}\r\n\r\n"
    );
    feed.write_all(request.as_bytes()).await.unwrap();
    assert_eq!(call(&service, &writer, "CreateUser", &new_user("alice")).await.status, 200);
    let mut told = String::new();
    while !told.contains("user.created") {
        told += &read(&mut feed).await.expect("the feed goes on");
    }
    service.tokens.revoke(id.parse().unwrap()).await.unwrap();
    while let Some(more) = read(&mut feed).await {
        told += &more;
    }
    let end = told.split("event: end").nth(1).expect("it says why it ends");
    assert!(end.contains("INVALID_TOKEN") && end.contains("unauthenticated"), "{end}");
    assert_eq!(call(&service, &writer, "DeleteUser", &json!({"id": "x"})).await.status, 400, "others go on");
    service.stop().await;
}

/// What comes next; `None` at the end.
async fn read(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = [0; 4096];
    match stream.read(&mut bytes).await.unwrap() {
        0 => None,
        read => Some(String::from_utf8_lossy(&bytes[..read]).into_owned()),
    }
}
