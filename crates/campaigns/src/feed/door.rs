//! The three ways in which somebody listens: over gRPC, over plain HTTP, and inside the process that serves.

use std::net::SocketAddr;

use buffa::MessageField;
use eventstore::{AggregateId, Deadline, EventFilter, Position};
use tokio::sync::mpsc;
use user_api::v1;
use user_api::v1::watch_events_request::Start;
use user_api::v1::watch_events_response::Step as Wire;
use user_service::feed::{self, FeedError, Feeds, Subscription};

use super::sse;
use crate::command::deadline;
use crate::ours::Ours;
use crate::wire::{client, reason};

/// Where the service is, and its feeds if it is in this process.
#[derive(Clone, Debug)]
pub(crate) struct Door {
    pub(crate) address: SocketAddr,
    pub(crate) feeds: Option<Feeds>,
}

impl Door {
    /// Of the service in this process.
    pub(crate) fn of(ours: &Ours) -> Self {
        Self { address: ours.served.address, feeds: Some(ours.served.feeds.clone()) }
    }
}

/// How somebody listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Grpc,
    Http,
    /// Where there is such a process; over gRPC elsewhere.
    InProcess,
}

/// What somebody asks for.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// From now on if there is none.
    pub(crate) start: Option<Start>,
    pub(crate) types: Vec<String>,
    pub(crate) users: Vec<AggregateId>,
}

/// What a listener is told.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) told: Wire,
    pub(crate) position: u64,
    pub(crate) token: String,
}

/// Why a feed ends.
#[derive(Debug)]
pub(crate) enum End {
    /// The log is not the one that was read.
    Diverged,
    /// There is nobody there, or not now.
    Gone,
    /// Something that nobody should be told here.
    Refused(String),
}

/// A feed that has been asked for. It ends when it is dropped.
pub(crate) type Feed = mpsc::Receiver<Result<Step, End>>;

impl End {
    /// By the reason that the service gives.
    pub(crate) fn by(reason: Option<&str>) -> Self {
        match reason {
            None
            | Some("STOPPING" | "STORE_DOWN" | "OVERLOADED" | "PROJECTION_BEHIND" | "PROJECTION_BUILDING") => {
                Self::Gone
            }
            Some("LOG_DIVERGED") => Self::Diverged,
            Some(other) => Self::Refused(other.to_owned()),
        }
    }
}

/// Asks for a feed.
pub(crate) fn open(door: Door, way: Way, asked: Asked) -> Feed {
    let (told, feed) = mpsc::channel(1);
    tokio::spawn(async move {
        let sender = told.clone();
        let telling = async {
            let ended = match (way, door.feeds) {
                // What is inside has no snapshot in the shape of the wire.
                (Way::InProcess, Some(feeds)) if !matches!(asked.start, Some(Start::Snapshot(_))) => {
                    inside(&feeds, asked, &sender).await
                }
                (Way::Http, _) => sse::listen(door.address, &asked, &sender).await,
                (Way::Grpc | Way::InProcess, _) => over_grpc(door.address, asked, &sender).await,
            };
            // Whoever has gone does not want to know.
            drop(sender.send(Err(ended)).await);
        };
        tokio::select! {
            () = telling => {}
            () = told.closed() => {}
        }
    });
    feed
}

/// Tells until the feed ends, and says why it does.
async fn over_grpc(address: SocketAddr, asked: Asked, told: &mpsc::Sender<Result<Step, End>>) -> End {
    let filter = v1::EventFilter {
        types: asked.types,
        user_ids: asked.users.iter().map(ToString::to_string).collect(),
        ..Default::default()
    };
    let request = v1::WatchEventsRequest { start: asked.start, filter: MessageField::some(filter) };
    let Ok(client) = client(address) else { return End::Gone };
    let mut stream = match client.watch_events(request).await {
        Ok(stream) => stream,
        Err(error) => return End::by(reason(&error).as_deref()),
    };
    loop {
        match stream.message().await {
            Ok(Some(step)) => {
                let v1::WatchEventsResponse { step, position, resume_token: token, .. } =
                    step.to_owned_message();
                let Some(step) = step else { return End::Refused("a step that says nothing".to_owned()) };
                if told.send(Ok(Step { told: step, position, token })).await.is_err() {
                    return End::Gone;
                }
            }
            Ok(None) => return End::Gone,
            Err(error) => return End::by(reason(&error).as_deref()),
        }
    }
}

/// The same without a wire: nothing is buffered on the way, so whoever is slow really is.
async fn inside(feeds: &Feeds, asked: Asked, told: &mpsc::Sender<Result<Step, End>>) -> End {
    let start = match asked.start {
        Some(Start::ResumeToken(token)) => feed::Start::Resume(token),
        Some(Start::AfterPosition(position)) => feed::Start::After(Position(position)),
        Some(Start::Snapshot(_)) | None => feed::Start::Now,
    };
    let filter =
        EventFilter { event_types: asked.types, aggregate_ids: asked.users, ..EventFilter::default() };
    let until: Deadline = deadline();
    let mut subscription = match feeds.subscribe(start, filter, until).await {
        Ok(subscription) => subscription,
        Err(error) => return end(&error),
    };
    loop {
        match next(&mut subscription).await {
            Ok(step) => {
                if told.send(Ok(step)).await.is_err() {
                    return End::Gone;
                }
            }
            Err(error) => return end(&error),
        }
    }
}

async fn next(subscription: &mut Subscription) -> Result<Step, FeedError> {
    let feed::Step { told, position, resume_token: token, .. } = subscription.next().await?;
    let told = match told {
        feed::Told::User(_) => Wire::from(v1::User::default()),
        feed::Told::Event(event) => {
            let recorded = event.recorded();
            Wire::from(v1::UserEvent {
                r#type: recorded.event_type.clone(),
                position: recorded.position.0,
                event_id: recorded.event_id.to_string(),
                user_id: recorded.aggregate_id.to_string(),
                ..v1::UserEvent::default()
            })
        }
        feed::Told::Mark(mark) => Wire::Mark(shown(mark).into()),
    };
    Ok(Step { told, position: position.0, token })
}

fn shown(mark: feed::Mark) -> v1::FeedMark {
    match mark {
        feed::Mark::Progress => v1::FeedMark::Progress,
        feed::Mark::CaughtUp => v1::FeedMark::CaughtUp,
        feed::Mark::FellBehind => v1::FeedMark::FellBehind,
        feed::Mark::SnapshotComplete => v1::FeedMark::SnapshotComplete,
    }
}

fn end(error: &FeedError) -> End {
    match error {
        FeedError::Diverged => End::Diverged,
        FeedError::Stopping | FeedError::Read(_) | FeedError::NoSnapshot(_) => End::Gone,
        FeedError::BadToken | FeedError::BeyondHead { .. } | FeedError::TooMany => {
            End::Refused(error.to_string())
        }
    }
}
