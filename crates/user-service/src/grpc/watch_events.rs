//! `WatchEvents`: what happens, from any moment on, for as long as the caller listens.

use connectrpc::ServiceStream;
use eventstore::{Deadline, EventFilter, Position};
use futures_util::stream;
use user_api::v1::{watch_events_request, watch_events_response};
use user_api::{ApiError, v1};

use super::call::Call;
use super::event_filter::event_filter;
use super::fields::Fields;
use super::{errors, user, user_event};
use crate::feed::{FeedError, Feeds, Mark, Start, Step, Subscription, Told};

pub(super) async fn watch_events(
    feeds: &Feeds,
    call: &Call,
    request: v1::WatchEventsRequest,
) -> Result<ServiceStream<v1::WatchEventsResponse>, ApiError> {
    let subscription = subscribe(feeds, call.deadline, Fields::default(), request).await?;
    Ok(Box::pin(stream::unfold(Some(subscription), async |subscription| {
        let mut subscription = subscription?;
        Some(match subscription.next().await {
            Ok(step) => (Ok(answer(step)), Some(subscription)),
            Err(error) => (Err(end(&subscription, &error).into()), None),
        })
    })))
}

/// Begins the feed that a request asks for, unless something is wrong with it.
pub(super) async fn subscribe(
    feeds: &Feeds,
    deadline: Deadline,
    mut fields: Fields,
    request: v1::WatchEventsRequest,
) -> Result<Subscription, ApiError> {
    let filter = filter(&mut fields, request.filter.as_option());
    fields.done()?;
    let subscription = feeds.subscribe(start(request.start), filter, deadline).await;
    subscription.map_err(|error| errors::of_feed(&error))
}

/// A feed begins at a position and ends when the caller likes: times say nothing to it.
fn filter(fields: &mut Fields, asked: Option<&v1::EventFilter>) -> EventFilter {
    if asked.is_some_and(|asked| asked.from_time.is_set()) {
        fields.wrong("filter.from_time", "NOT_IN_A_FEED", "must be absent: a feed begins at a position");
    }
    if asked.is_some_and(|asked| asked.until_time.is_set()) {
        fields.wrong("filter.until_time", "NOT_IN_A_FEED", "must be absent: a feed ends with its caller");
    }
    event_filter(fields, asked)
}

fn start(asked: Option<watch_events_request::Start>) -> Start {
    match asked {
        Some(watch_events_request::Start::AfterPosition(position)) => Start::After(Position(position)),
        Some(watch_events_request::Start::ResumeToken(token)) => Start::Resume(token),
        Some(watch_events_request::Start::Snapshot(true)) => Start::Snapshot,
        Some(watch_events_request::Start::Snapshot(false)) | None => Start::Now,
    }
}

fn answer(step: Step) -> v1::WatchEventsResponse {
    let told = match step.told {
        Told::User(user) => user::shown(&user).into_option().map(watch_events_response::Step::from),
        Told::Event(event) => Some(watch_events_response::Step::from(user_event::listed(event.0.clone()))),
        Told::Mark(mark) => Some(watch_events_response::Step::Mark(shown(mark).into())),
    };
    let Step { position, resume_token, parked_users, .. } = step;
    v1::WatchEventsResponse { step: told, position: position.0, resume_token, parked_users }
}

pub(super) fn shown(mark: Mark) -> v1::FeedMark {
    match mark {
        Mark::Progress => v1::FeedMark::Progress,
        Mark::CaughtUp => v1::FeedMark::CaughtUp,
        Mark::FellBehind => v1::FeedMark::FellBehind,
        Mark::SnapshotComplete => v1::FeedMark::SnapshotComplete,
    }
}

/// What the caller is told when her feed ends, with what she needs to take it up again.
pub(super) fn end(subscription: &Subscription, error: &FeedError) -> ApiError {
    let (error, token) = (errors::of_feed(error), subscription.resume_token());
    if token.is_empty() { error } else { error.with_metadata("resume_token", token) }
}
