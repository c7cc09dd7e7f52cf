//! Pages in browsers: those of the origins that were named may call, and no other.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Running, user_service};
use crate::stage::{MASTER_KEY, Place, post_with};

/// What a browser is told that asks for a page whether it may call.
async fn told(service: &Running, origin: &str) -> String {
    let request = format!(
        "OPTIONS /user.v1.UserService/GetUser HTTP/1.0\r\nhost: localhost\r\norigin: {origin}\r\n\
         access-control-request-method: POST\r\naccess-control-request-headers: content-type,x-grpc-web\r\n\r\n"
    );
    let mut stream = TcpStream::connect(service.address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer.to_lowercase()
}

#[tokio::test]
async fn pages_of_the_named_origins_may_call() {
    let place = Place::sqlite();
    let key = [("USER_SERVICE_MASTER_KEY", MASTER_KEY)];
    let ours = "https://console.example.org";
    let named = ["--allow-origin", ours, "--allow-origin", "http://localhost:3000"];
    let service = Running::serve_with(&place, &named, &key).await;
    for origin in [ours, "http://localhost:3000"] {
        let told = told(&service, origin).await;
        assert!(told.starts_with("http/1.0 200"), "{told}");
        assert!(told.contains(&format!("access-control-allow-origin: {origin}\r\n")), "{told}");
        assert!(told.contains("x-grpc-web"), "{told}");
    }
    let other = told(&service, "https://evil.example.org").await;
    assert!(!other.contains("access-control-allow-origin"), "{other}");
    let called = post_with(service.address, "ListUsers", &[("origin", ours)], "{}").await;
    assert_eq!(called.status, 200, "{}", called.body);
    service.stop().await;
}

#[tokio::test]
async fn no_page_may_call_unless_it_was_named() {
    let place = Place::sqlite();
    let service = Running::serve(&place).await;
    let told = told(&service, "https://console.example.org").await;
    assert!(!told.contains("access-control-allow-origin"), "{told}");
    service.stop().await;
    let said = user_service(&["serve", "--store", &place.url(), "--allow-origin", "*"], &[]).await;
    assert!(said.code == Some(2) && said.stderr.contains("an origin is a scheme"), "{}", said.stderr);
}
