//! `GET /user.v1/events`: the feed of `WatchEvents` as server-sent events, for browsers and for whoever has only HTTP.
//!
//! It stands beside the RPCs and not on the port of operations: what it tells is personal, and whatever guards the calls
//! guards it too. A client that reconnects says by `Last-Event-ID` what it has seen, as browsers do by themselves.

use std::convert::Infallible;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Extension, RawQuery, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use buffa::MessageField;
use connectrpc::ConnectError;
use eventstore::{Deadline, LogId};
use futures_util::future::BoxFuture;
use futures_util::stream::{self, Stream};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};
use serde_json::json;
use url::form_urlencoded;
use user_api::v1::watch_events_request::Start;
use user_api::{ApiError, v1};

use super::cloud_event::CloudEvent;
use super::fields::Fields;
use super::{errors, user, watch_events};
use crate::access::{Denial, FEED_PATH, Principal};
use crate::feed::{Feeds, Step, Subscription, Told};

/// Proxies close what is silent for a minute.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// How long a snapshot is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// The route, to be put beside the calls.
pub(super) fn router(feeds: Feeds) -> Router {
    Router::new().route(FEED_PATH, get(events)).with_state(feeds)
}

async fn events(
    State(feeds): State<Feeds>,
    principal: Option<Extension<Principal>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    let principal = principal.map_or_else(Principal::anybody, |Extension(principal)| principal);
    match begin(&feeds, &headers, query.as_deref().unwrap_or_default()).await {
        Ok(subscription) => {
            let events = Sse::new(sent(feeds.log_id(), subscription, principal));
            let answer = events.keep_alive(KeepAlive::new().interval(KEEP_ALIVE));
            ([(CACHE_CONTROL, HeaderValue::from_static("no-store"))], answer).into_response()
        }
        Err(error) => refusal(error),
    }
}

async fn begin(feeds: &Feeds, headers: &HeaderMap, query: &str) -> Result<Subscription, ApiError> {
    let mut fields = Fields::default();
    let mut request = asked(&mut fields, query);
    if let Some(seen) = headers.get("last-event-id").filter(|seen| !seen.is_empty()) {
        let token = seen.to_str().unwrap_or_default().to_owned();
        request.start = Some(Start::ResumeToken(token));
    }
    watch_events::subscribe(feeds, Deadline(Instant::now() + PATIENCE), fields, request).await
}

/// The request of `WatchEvents` that a query stands for. `type` and `user_id` may be given more than once.
pub(super) fn asked(fields: &mut Fields, query: &str) -> v1::WatchEventsRequest {
    let mut filter = v1::EventFilter::default();
    let mut start = None;
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let value = value.into_owned();
        match &*name {
            "type" => filter.types.push(value),
            "user_id" => filter.user_ids.push(value),
            "actor" => filter.actor = value,
            "correlation_id" => filter.correlation_id = value,
            "resume_token" => start = Some(Start::ResumeToken(value)),
            "snapshot" if value == "true" => start = Some(Start::Snapshot(true)),
            "after_position" => match value.parse() {
                Ok(position) => start = Some(Start::AfterPosition(position)),
                Err(_) => fields.wrong("after_position", "MALFORMED_POSITION", "must be a whole number"),
            },
            _ => fields.wrong(
                "query",
                "UNKNOWN_PARAMETER",
                "has a parameter, or a value of one, that there is not",
            ),
        }
    }
    v1::WatchEventsRequest { start, filter: MessageField::some(filter) }
}

/// The feed, and at its end why it ends. A stream that ended is taken up again by itself, with what it has seen.
fn sent(
    log_id: LogId,
    subscription: Subscription,
    principal: Principal,
) -> impl Stream<Item = Result<Event, Infallible>> + Send {
    let withdrawn: BoxFuture<'static, Denial> = Box::pin(async move { principal.withdrawn().await });
    stream::unfold(Some((subscription, withdrawn)), move |going_on| async move {
        let (mut subscription, mut withdrawn) = going_on?;
        let step = tokio::select! {
            biased;
            denial = &mut withdrawn => {
                let error = ConnectError::from(errors::of_denial(&denial));
                return Some((Ok(named("end", &error)), None));
            }
            step = subscription.next() => step,
        };
        Some(match step {
            Ok(step) => (Ok(event(log_id, &step)), Some((subscription, withdrawn))),
            Err(error) => {
                let error = ConnectError::from(watch_events::end(&subscription, &error));
                (Ok(named("end", &error)), None)
            }
        })
    })
}

/// Events have no name, so that a browser's `onmessage` gets them; users of a snapshot and marks have one.
fn event(log_id: LogId, step: &Step) -> Event {
    let event = match &step.told {
        Told::Event(event) => Event::default().data(json(&CloudEvent::of(log_id, event))),
        Told::User(user) => named("user", &user::shown(user).into_option()),
        Told::Mark(mark) => {
            let position = step.position.to_string();
            let mut data = json!({"mark": watch_events::shown(*mark), "position": position});
            if step.parked_users > 0 {
                data["parkedUsers"] = json!(step.parked_users.to_string());
            }
            named("mark", &data)
        }
    };
    if step.resume_token.is_empty() { event } else { event.id(&step.resume_token) }
}

fn named(name: &str, data: &impl serde::Serialize) -> Event {
    Event::default().event(name).data(json(data))
}

fn json(data: &impl serde::Serialize) -> String {
    serde_json::to_string(data).expect("strings and numbers have a JSON form")
}

fn refusal(error: ApiError) -> Response {
    let error = ConnectError::from(error);
    (error.http_status(), [(CONTENT_TYPE, "application/json")], json(&error)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_stands_for_a_request() {
        let mut fields = Fields::default();
        let request = asked(
            &mut fields,
            "type=user.created&type=user.deleted&user_id=u1&actor=a%20b&correlation_id=c&after_position=7",
        );
        assert!(fields.done().is_ok());
        let json = serde_json::to_value(&request).expect("it has a JSON form");
        let expected = json!({
            "afterPosition": "7",
            "filter": {
                "types": ["user.created", "user.deleted"], "userIds": ["u1"], "actor": "a b", "correlationId": "c",
            },
        });
        assert_eq!(json, expected);
        for wrong in ["typ=user.created", "after_position=-1", "from_time=2026-01-01T00:00:00Z"] {
            let mut fields = Fields::default();
            asked(&mut fields, wrong);
            assert!(fields.done().is_err(), "{wrong}");
        }
    }
}
