//! Who listens in these tests, over gRPC or to the service itself, and what she is told in words.

use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use buffa::Message;
use connectrpc::ConnectError;
use eventstore::Deadline;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use user_api::v1::watch_events_request::Start;
use user_api::v1::watch_events_response::Step;
use user_api::{rpc, v1};
use user_service::feed::{Subscription, Told};

use crate::stage::{PASSWORD, Service, Stage, User};

/// A listener over gRPC.
pub(crate) struct Feed(mpsc::Receiver<Result<v1::WatchEventsResponse, ConnectError>>);

impl Feed {
    pub(crate) async fn open(service: &Service, start: Option<Start>, filter: Value) -> Self {
        let filter: v1::EventFilter = serde_json::from_value(filter).unwrap();
        let filter = buffa::MessageField::some(filter);
        let request = v1::WatchEventsRequest { start, filter };
        let (told, feed) = mpsc::channel(1);
        let client = service.grpc().await;
        tokio::spawn(async move {
            let mut stream = match client.watch_events(request).await {
                Ok(stream) => stream,
                Err(error) => return drop(told.send(Err(error)).await),
            };
            loop {
                let next = tokio::select! {
                    next = stream.message() => next,
                    () = told.closed() => return,
                };
                let next = next.map(|step| step.map(|step| step.to_owned_message()));
                let Some(next) = next.transpose() else { return };
                if told.send(next).await.is_err() {
                    return;
                }
            }
        });
        Self(feed)
    }

    pub(crate) async fn after(service: &Service, position: u64) -> Self {
        Self::open(service, Some(Start::AfterPosition(position)), json!({})).await
    }

    pub(crate) async fn resumed(service: &Service, token: &str) -> Self {
        Self::open(service, Some(Start::ResumeToken(token.to_owned())), json!({})).await
    }

    pub(crate) async fn next(&mut self) -> v1::WatchEventsResponse {
        let next = self.0.recv().await.expect("the feed goes on");
        next.unwrap_or_else(|error| panic!("the feed goes on: {error:?}"))
    }

    /// The next event; marks are passed over.
    pub(crate) async fn event(&mut self) -> (v1::UserEvent, String) {
        loop {
            let v1::WatchEventsResponse { step, resume_token, .. } = self.next().await;
            if let Some(Step::Event(event)) = step {
                return (*event, resume_token);
            }
        }
    }

    /// What comes up to and with a mark, in words.
    pub(crate) async fn until(&mut self, wanted: v1::FeedMark) -> Vec<String> {
        let mut told = Vec::new();
        loop {
            let next = self.next().await;
            told.push(words(&next));
            if next.step == Some(Step::Mark(wanted.into())) {
                return told;
            }
        }
    }

    /// How it ends.
    pub(crate) async fn end(&mut self) -> Value {
        loop {
            match self.0.recv().await {
                Some(Ok(_)) => {}
                Some(Err(error)) => return told(error),
                None => panic!("the feed ends without saying why"),
            }
        }
    }
}

/// An error as JSON callers have it: gRPC carries the details as bytes alone.
fn told(mut error: ConnectError) -> Value {
    for detail in &mut error.details {
        detail.type_url = detail.type_url.replace("type.googleapis.com/", "");
        let bytes = STANDARD_NO_PAD.decode(detail.value.as_ref().unwrap()).unwrap();
        detail.debug = Some(match detail.type_url.as_str() {
            "google.rpc.ErrorInfo" => json!(rpc::ErrorInfo::decode_from_slice(&bytes).unwrap()),
            "google.rpc.BadRequest" => json!(rpc::BadRequest::decode_from_slice(&bytes).unwrap()),
            _ => Value::Null,
        });
    }
    serde_json::to_value(&error).unwrap()
}

pub(crate) fn words(step: &v1::WatchEventsResponse) -> String {
    let position = step.position;
    match step.step.as_ref().unwrap() {
        Step::User(user) => format!("{position} {}", user.username),
        Step::Event(event) => format!("{position} {}", event.r#type),
        Step::Mark(mark) => format!("{position} {mark}"),
    }
}

pub(crate) fn soon() -> Deadline {
    Deadline(Instant::now() + Duration::from_secs(10))
}

/// The position of the next event.
pub(crate) async fn event(feed: &mut Subscription) -> u64 {
    loop {
        if let Told::Event(event) = feed.next().await.unwrap().told {
            return event.recorded().position.0;
        }
    }
}

pub(crate) async fn create(service: &Service, name: &str) -> Value {
    let request = json!({"email": format!("{name}@example.org"), "username": name, "password": PASSWORD});
    service.ok("CreateUser", request).await["user"].clone()
}

/// The users of a list of names.
pub(crate) async fn create_all(service: &Service, names: &[&str]) {
    for name in names {
        create(service, name).await;
    }
}

/// Alice's life in five events, and two more.
pub(crate) async fn five_and_two(stage: &Stage) -> User {
    let alice = stage.create("alice").await;
    for call in ["DeactivateUser", "ActivateUser", "SuspendUser", "ReinstateUser"] {
        stage.change(call, &alice).await;
    }
    let bob = stage.create("bob").await;
    stage.change("DeleteUser", &bob).await;
    alice
}
