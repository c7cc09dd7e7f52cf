//! `GET /user.v1/events`: the same feed as server-sent events, in the shape of `CloudEvents`, for whoever has only HTTP.

use std::net::SocketAddr;
use std::sync::atomic::Ordering;

use axum::body::Body;
use futures_util::StreamExt;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HOST, TRANSFER_ENCODING};
use http::{Request, Version};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use insta::{allow_duplicates, assert_snapshot};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::TcpStream;

use crate::stage::{Stage, on_both_stores, refusal_of};

on_both_stores!(
    an_event_has_the_shape_of_a_cloud_event,
    who_comes_back_says_what_she_has_seen,
    a_query_is_a_filter,
    a_snapshot_comes_first_if_it_is_asked_for,
    what_is_wrong_is_told_as_the_calls_tell_it,
    who_goes_gives_her_place_back,
    a_stop_is_told,
    what_browsers_speak_is_answered_in_chunks,
);

/// An answer as its lines come in. HTTP/1.0, so that none of them is a chunk's.
struct Events {
    lines: Lines<BufReader<TcpStream>>,
    status: String,
    content_type: String,
}

/// One server-sent event.
#[derive(Debug, Default)]
struct Sent {
    event: String,
    id: String,
    data: Value,
}

impl Events {
    async fn ask(address: SocketAddr, query: &str, headers: &str) -> Self {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!("GET /user.v1/events{query} HTTP/1.0\r\nhost: localhost\r\n{headers}\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut lines = BufReader::new(stream).lines();
        let status = lines.next_line().await.unwrap().unwrap();
        let mut content_type = String::new();
        while let Some(header) = lines.next_line().await.unwrap().filter(|line| !line.is_empty()) {
            if let Some(value) = header.strip_prefix("content-type: ") {
                value.clone_into(&mut content_type);
            }
        }
        Self { lines, status, content_type }
    }

    /// The next event of whatever name; `None` at the end.
    async fn next(&mut self) -> Option<Sent> {
        let mut sent = Sent::default();
        while let Some(line) = self.lines.next_line().await.unwrap() {
            match line.split_once(": ") {
                Some(("event", name)) => name.clone_into(&mut sent.event),
                Some(("id", id)) => id.clone_into(&mut sent.id),
                Some(("data", data)) => sent.data = serde_json::from_str(data).unwrap(),
                None if line.is_empty() && !sent.data.is_null() => return Some(sent),
                Some(_) | None => {}
            }
        }
        None
    }

    /// The next that has no name: something happened.
    async fn event(&mut self) -> Sent {
        loop {
            let sent = self.next().await.expect("the feed goes on");
            if sent.event.is_empty() {
                return sent;
            }
        }
    }

    async fn body(mut self) -> Value {
        let body = self.lines.next_line().await.unwrap().unwrap();
        serde_json::from_str(&body).unwrap()
    }
}

async fn an_event_has_the_shape_of_a_cloud_event(stage: &Stage) {
    let alice = stage.create("alice").await;
    stage.change("SuspendUser", &alice).await;
    let mut events = Events::ask(stage.service.address, "?after_position=1", "").await;
    assert_eq!(events.status, "HTTP/1.0 200 OK");
    assert_eq!(events.content_type, "text/event-stream");
    let mut sent = events.event().await;
    let source = format!("/logs/{}", stage.service.feeds.log_id());
    assert_eq!(sent.data["source"], source);
    sent.data["source"] = "/logs/{log id}".into();
    allow_duplicates! {
        assert_snapshot!(serde_json::to_string_pretty(&sent.data).unwrap(), @r#"
        {
          "specversion": "1.0",
          "id": "019b76da-a802-7c06-b33e-6310841f9fb9",
          "source": "/logs/{log id}",
          "type": "user.suspended",
          "subject": "019b76da-a800-7585-a712-0fbbe785a83d",
          "time": "2026-01-01T00:00:00.000001Z",
          "datacontenttype": "application/json",
          "sequence": "00000000000000000002",
          "data": {
            "type": "user.suspended",
            "version": "2",
            "position": "2",
            "time": "2026-01-01T00:00:00.000001Z",
            "actor": "anonymous",
            "eventId": "019b76da-a802-7c06-b33e-6310841f9fb9",
            "changes": [
              {
                "field": "status",
                "from": "active",
                "to": "suspended"
              },
              {
                "field": "reason",
                "to": "spam"
              }
            ],
            "userId": "019b76da-a800-7585-a712-0fbbe785a83d",
            "sourceAddress": "127.0.0.1"
          }
        }
        "#);
    }
    let mark = events.next().await.unwrap();
    assert_eq!(mark.event, "mark");
    assert_eq!(mark.data.to_string(), r#"{"mark":"FEED_MARK_CAUGHT_UP","position":"2"}"#);
}

async fn who_comes_back_says_what_she_has_seen(stage: &Stage) {
    let alice = stage.create("alice").await;
    for call in ["DeactivateUser", "ActivateUser", "DeleteUser"] {
        stage.change(call, &alice).await;
    }
    let mut positions = Vec::new();
    let mut seen = String::new();
    for _ in 0..4 {
        let header = if seen.is_empty() { String::new() } else { format!("last-event-id: {seen}\r\n") };
        // A browser comes back with the query it began with; what it has seen goes before that.
        let mut events = Events::ask(stage.service.address, "?after_position=0", &header).await;
        let sent = events.event().await;
        positions.push(sent.data["data"]["position"].as_str().unwrap().to_owned());
        seen = sent.id;
    }
    assert_eq!(positions, ["1", "2", "3", "4"]);
}

async fn a_query_is_a_filter(stage: &Stage) {
    let (alice, bob) = (stage.create("alice").await, stage.create("bob").await);
    for user in [&alice, &bob] {
        stage.change("DeleteUser", user).await;
    }
    let query = format!("?after_position=0&type=user.deleted&type=user.restored&user_id={}", bob.id());
    let mut events = Events::ask(stage.service.address, &query, "").await;
    let sent = events.event().await;
    assert_eq!(
        (sent.data["type"].as_str(), sent.data["subject"].as_str()),
        (Some("user.deleted"), Some(bob.id()))
    );
    assert_eq!(sent.data["sequence"], "00000000000000000004");
}

async fn a_snapshot_comes_first_if_it_is_asked_for(stage: &Stage) {
    let alice = stage.create("alice").await;
    let mut events = Events::ask(stage.service.address, "?snapshot=true", "").await;
    let user = events.next().await.unwrap();
    assert_eq!((user.event.as_str(), user.id.as_str(), &user.data), ("user", "", &alice.0));
    let complete = events.next().await.unwrap();
    assert_eq!(complete.data["mark"], "FEED_MARK_SNAPSHOT_COMPLETE");
    stage.change("DeleteUser", &alice).await;
    let resume = format!("last-event-id: {}\r\n", complete.id);
    // A browser comes back with the query it began with, and begins nothing anew.
    let mut again = Events::ask(stage.service.address, "?snapshot=true", &resume).await;
    let first = again.next().await.unwrap();
    assert_eq!(first.data["type"], "user.deleted", "{first:?}");
}

async fn what_is_wrong_is_told_as_the_calls_tell_it(stage: &Stage) {
    for (query, status, refusal) in [
        ("?after_position=9", "400", "out_of_range POSITION_NOT_REACHED after_position"),
        ("?after_position=x", "400", "invalid_argument MALFORMED_POSITION after_position"),
        ("?type=user.cloned", "400", "invalid_argument UNKNOWN_EVENT_TYPE filter.types"),
        ("?resume_token=x", "400", "invalid_argument BAD_RESUME_TOKEN resume_token"),
        ("?until=tomorrow", "400", "invalid_argument UNKNOWN_PARAMETER query"),
    ] {
        let answer = Events::ask(stage.service.address, query, "").await;
        assert!(answer.status.starts_with(&format!("HTTP/1.0 {status} ")), "{query}: {}", answer.status);
        assert_eq!(answer.content_type, "application/json");
        assert_eq!(refusal_of(&answer.body().await), refusal, "{query}");
    }
}

async fn who_goes_gives_her_place_back(stage: &Stage) {
    let subscribers = &stage.service.feeds.figures().subscribers;
    let mut events = Events::ask(stage.service.address, "", "").await;
    assert_eq!(events.next().await.unwrap().event, "mark");
    assert_eq!(subscribers.load(Ordering::Relaxed), 1);
    drop(events);
    while subscribers.load(Ordering::Relaxed) > 0 {
        tokio::task::yield_now().await;
    }
}

async fn a_stop_is_told(stage: &Stage) {
    stage.create("alice").await;
    let mut events = Events::ask(stage.service.address, "?after_position=0", "").await;
    let seen = events.event().await.id;
    stage.service.order_stop();
    let end = loop {
        let sent = events.next().await.unwrap();
        if sent.event == "end" {
            break sent;
        }
    };
    assert_eq!(refusal_of(&end.data), "unavailable STOPPING");
    assert_eq!(end.data["details"][0]["debug"]["metadata"]["resume_token"], seen);
    assert!(events.next().await.is_none());
}

/// HTTP/1.1: each event comes when it happens, on a connection that stays.
async fn what_browsers_speak_is_answered_in_chunks(stage: &Stage) {
    let alice = stage.create("alice").await;
    let stream = TcpStream::connect(stage.service.address).await.unwrap();
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let request = Request::get("/user.v1/events?after_position=0").header(HOST, "localhost");
    let answer = sender.send_request(request.body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!((answer.version(), answer.status().as_u16()), (Version::HTTP_11, 200));
    let headers = [CONTENT_TYPE, CACHE_CONTROL, TRANSFER_ENCODING].map(|name| answer.headers()[name].clone());
    assert_eq!(headers, ["text/event-stream", "no-store", "chunked"]);
    let mut body = Body::new(answer.into_body()).into_data_stream();
    let mut told = String::new();
    let mut until = async |wanted: &str| {
        while !(told.contains(wanted) && told.ends_with("\n\n")) {
            let chunk = body.next().await.expect("the feed goes on").unwrap();
            told.push_str(std::str::from_utf8(&chunk).unwrap());
        }
        std::mem::take(&mut told)
    };
    let history = until("FEED_MARK_CAUGHT_UP").await;
    assert_eq!(
        history.matches(r#""type":"user.created""#).count(),
        2,
        "in the event and in its data: {history}"
    );
    for (call, event_type) in [("DeleteUser", "user.deleted"), ("RestoreUser", "user.restored")] {
        stage.change(call, &alice).await;
        let event = until(event_type).await;
        assert_eq!((event.matches("\n\n").count(), event.matches("id: ").count()), (1, 1), "{event}");
    }
}
