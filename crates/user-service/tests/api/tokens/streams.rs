//! A stream outlives what it was admitted on: it ends when its token does.

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use user_domain::{Scope, TokenName};
use user_service::Sources;
use user_service::access::NewToken;

use super::{call, guarded, new_user, token};
use crate::stage::{Dial, Place, Service, on_both_places};

on_both_places!(
    a_feed_ends_with_its_token,
    a_feed_ends_when_its_token_expires_also_where_nobody_can_look_it_up,
);

async fn a_feed_ends_with_its_token(place: &Place) {
    let service = guarded(place).await;
    let (id, auditor) = token(&service, "auditor", &[Scope::Audit]).await;
    let writer = token(&service, "writer", &[Scope::Write]).await.1;
    let mut feed = feed(&service, &auditor).await;
    assert_eq!(call(&service, &writer, "CreateUser", &new_user("alice")).await.status, 200);
    let mut told = until_told(&mut feed, "user.created").await;
    service.tokens.revoke(id.parse().unwrap()).await.unwrap();
    while let Some(more) = read(&mut feed).await {
        told += &more;
    }
    let end = told.split("event: end").nth(1).expect("it says why it ends");
    assert!(end.contains("INVALID_TOKEN") && end.contains("unauthenticated"), "{end}");
    assert_eq!(call(&service, &writer, "DeleteUser", &json!({"id": "x"})).await.status, 400, "others go on");
    service.stop().await;
}

async fn a_feed_ends_when_its_token_expires_also_where_nobody_can_look_it_up(place: &Place) {
    let dial = Dial::new();
    let random = |bytes: &mut [u8]| getrandom::fill(bytes).expect("there is some");
    let service = Service::start_guarded(place, Sources::new(random, dial.clock())).await;
    let name = TokenName::parse("auditor").expect("it is a name");
    let expires_at = Some("2026-02-01T00:00:00Z".parse().expect("it is a time"));
    let new = NewToken { name, scopes: [Scope::Audit].into_iter().collect(), expires_at };
    let token = service.tokens.create(new).await.expect("nothing stands against it");
    let mut feed = feed(&service, &format!("Bearer {}", *token.reveal())).await;
    let mut told = until_told(&mut feed, "FEED_MARK_CAUGHT_UP").await;
    place.damage("ALTER TABLE api_token RENAME TO api_token_gone").await;
    dial.set("2026-02-01T00:00:00Z");
    while let Some(more) = read(&mut feed).await {
        told += &more;
    }
    let end = told.split("event: end").nth(1).expect("it says why it ends");
    assert!(end.contains("TOKEN_EXPIRED"), "{end}");
    service.stop().await;
}

/// A feed from the beginning.
async fn feed(service: &Service, shown: &str) -> TcpStream {
    let mut feed = TcpStream::connect(service.address).await.unwrap();
    let request = format!(
        "GET /user.v1/events?after_position=0 HTTP/1.0\r\nhost: localhost\r\nauthorization: {shown}\r\n\r\n"
    );
    feed.write_all(request.as_bytes()).await.unwrap();
    feed
}

async fn until_told(feed: &mut TcpStream, what: &str) -> String {
    let mut told = String::new();
    while !told.contains(what) {
        told += &read(feed).await.expect("the feed goes on");
    }
    told
}

/// What comes next; `None` at the end.
async fn read(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = [0; 4096];
    match stream.read(&mut bytes).await.unwrap() {
        0 => None,
        read => Some(String::from_utf8_lossy(&bytes[..read]).into_owned()),
    }
}
