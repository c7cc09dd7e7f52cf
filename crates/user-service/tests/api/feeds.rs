//! `WatchEvents`: whoever listens is told everything, in order, once, whatever happens to her connection.

use std::fmt::Write as _;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use buffa::Message;
use connectrpc::ConnectError;
use eventstore::{AggregateId, Deadline, EventFilter, Position};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use user_api::v1::watch_events_request::Start;
use user_api::v1::watch_events_response::Step;
use user_api::{rpc, v1};
use user_service::feed::{self, FeedLimits, Mark, RingBounds, Subscription, Told};
use uuid::Uuid;

use crate::stage::{
    PASSWORD, Place, Service, Stage, User, on_both_places, on_both_stores, refusal_of, seeded,
};

on_both_stores!(
    a_feed_tells_history_and_then_what_happens,
    a_feed_begins_now_unless_told_otherwise,
    a_feed_is_resumed_at_every_event,
    a_feed_tells_what_its_filter_lets_through,
    what_cannot_be_resumed_is_refused,
    an_erased_user_is_gone_from_history_and_memory,
    an_event_that_cannot_be_read_is_told_all_the_same,
    a_listener_who_goes_gives_her_place_back,
    many_listeners_cost_one_reader,
);

/// A listener over gRPC.
struct Feed(mpsc::Receiver<Result<v1::WatchEventsResponse, ConnectError>>);

impl Feed {
    async fn open(service: &Service, start: Option<Start>, filter: Value) -> Self {
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

    async fn after(service: &Service, position: u64) -> Self {
        Self::open(service, Some(Start::AfterPosition(position)), json!({})).await
    }

    async fn resumed(service: &Service, token: &str) -> Self {
        Self::open(service, Some(Start::ResumeToken(token.to_owned())), json!({})).await
    }

    async fn next(&mut self) -> v1::WatchEventsResponse {
        let next = self.0.recv().await.expect("the feed goes on");
        next.unwrap_or_else(|error| panic!("the feed goes on: {error:?}"))
    }

    /// The next event; marks are passed over.
    async fn event(&mut self) -> (v1::UserEvent, String) {
        loop {
            let v1::WatchEventsResponse { step, resume_token, .. } = self.next().await;
            if let Some(Step::Event(event)) = step {
                return (*event, resume_token);
            }
        }
    }

    /// What comes up to and with a mark, in words.
    async fn until(&mut self, wanted: v1::FeedMark) -> Vec<String> {
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
    async fn end(&mut self) -> Value {
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

fn words(step: &v1::WatchEventsResponse) -> String {
    let position = step.position;
    match step.step.as_ref().unwrap() {
        Step::User(user) => format!("{position} {}", user.username),
        Step::Event(event) => format!("{position} {}", event.r#type),
        Step::Mark(mark) => format!("{position} {mark}"),
    }
}

/// Alice's life in five events, and two more.
async fn five_and_two(stage: &Stage) -> User {
    let alice = stage.create("alice").await;
    for call in ["DeactivateUser", "ActivateUser", "SuspendUser", "ReinstateUser"] {
        stage.change(call, &alice).await;
    }
    let bob = stage.create("bob").await;
    stage.change("DeleteUser", &bob).await;
    alice
}

async fn a_feed_tells_history_and_then_what_happens(stage: &Stage) {
    let alice = five_and_two(stage).await;
    let mut feed = Feed::after(&stage.service, 4).await;
    let history = feed.until(v1::FeedMark::CaughtUp).await;
    let expected = ["5 user.reinstated", "6 user.created", "7 user.deleted", "7 FEED_MARK_CAUGHT_UP"];
    assert_eq!(history, expected);
    stage.change("DeleteUser", &alice).await;
    let (event, _) = feed.event().await;
    let listed = stage.ok("ListUserEvents", json!({"id": alice.id(), "pageSize": 100})).await;
    assert_eq!(serde_json::to_value(&event).unwrap(), listed["events"][5], "as the history shows it");
}

async fn a_feed_begins_now_unless_told_otherwise(stage: &Stage) {
    let alice = five_and_two(stage).await;
    let mut feed = Feed::open(&stage.service, None, json!({})).await;
    assert_eq!(feed.until(v1::FeedMark::CaughtUp).await, ["7 FEED_MARK_CAUGHT_UP"]);
    stage.change("DeleteUser", &alice).await;
    assert_eq!(words(&feed.next().await), "8 user.deleted");
}

/// A connection that breaks after each event.
async fn a_feed_is_resumed_at_every_event(stage: &Stage) {
    five_and_two(stage).await;
    let mut feed = Feed::after(&stage.service, 0).await;
    let mut told = Vec::new();
    for _ in 0..7 {
        let (event, token) = feed.event().await;
        told.push(event.position);
        feed = Feed::resumed(&stage.service, &token).await;
    }
    let live = stage.create("carol").await;
    stage.change("DeleteUser", &live).await;
    for _ in 0..2 {
        let (event, token) = feed.event().await;
        told.push(event.position);
        feed = Feed::resumed(&stage.service, &token).await;
    }
    assert_eq!(told, [1, 2, 3, 4, 5, 6, 7, 8, 9]);
    assert_eq!(feed.until(v1::FeedMark::CaughtUp).await, ["9 FEED_MARK_CAUGHT_UP"]);
}

async fn a_feed_tells_what_its_filter_lets_through(stage: &Stage) {
    let alice = five_and_two(stage).await;
    let all = Some(Start::AfterPosition(0));
    let filter = json!({"types": ["user.deleted", "user.created"], "userIds": [alice.id()]});
    let mut feed = Feed::open(&stage.service, all.clone(), filter).await;
    let history = feed.until(v1::FeedMark::CaughtUp).await;
    assert_eq!(history, ["1 user.created", "7 FEED_MARK_CAUGHT_UP"]);
    let dave = stage.create("dave").await;
    assert_eq!(words(&feed.next().await), "8 FEED_MARK_PROGRESS", "she is told how far the feed has come");
    stage.change("DeleteUser", &dave).await;
    stage.change("DeleteUser", &alice).await;
    assert_eq!(words(&feed.next().await), "10 user.deleted");
    let mut by_nobody = Feed::open(&stage.service, all, json!({"actor": "nobody"})).await;
    assert_eq!(by_nobody.until(v1::FeedMark::CaughtUp).await, ["10 FEED_MARK_CAUGHT_UP"]);
}

async fn what_cannot_be_resumed_is_refused(stage: &Stage) {
    five_and_two(stage).await;
    let refused =
        async |start, filter| refusal_of(&Feed::open(&stage.service, Some(start), filter).await.end().await);
    let beyond = refused(Start::AfterPosition(8), json!({})).await;
    assert_eq!(beyond, "out_of_range POSITION_NOT_REACHED after_position");
    let (_, token) = Feed::after(&stage.service, 2).await.event().await;
    let forged =
        format!("{}{}", &token[..token.len() - 4], if token.ends_with("AAAA") { "AAAB" } else { "AAAA" });
    for wrong in ["", "x", &token[..token.len() - 4], &forged] {
        let refusal = refused(Start::ResumeToken(wrong.to_owned()), json!({})).await;
        assert_eq!(refusal, "invalid_argument BAD_RESUME_TOKEN resume_token", "{wrong}");
    }
    for (filter, refusal) in [
        (json!({"types": ["user.cloned"]}), "UNKNOWN_EVENT_TYPE filter.types"),
        (json!({"userIds": ["alice"]}), "MALFORMED_UUID filter.user_ids"),
        (json!({"fromTime": "2026-01-01T00:00:00Z"}), "NOT_IN_A_FEED filter.from_time"),
    ] {
        let told = refused(Start::AfterPosition(0), filter).await;
        assert_eq!(told, format!("invalid_argument {refusal}"));
    }
}

async fn an_erased_user_is_gone_from_history_and_memory(stage: &Stage) {
    let mut listening = Feed::open(&stage.service, None, json!({})).await;
    listening.until(v1::FeedMark::CaughtUp).await;
    let alice = stage.create("alice").await;
    let (event, seen_nothing) = listening.event().await;
    assert!(format!("{event:?}").contains("alice@example.org"));
    stage.change("DeleteUser", &alice).await;
    stage.change("EraseUser", &alice).await;
    while listening.event().await.0.r#type != "user.erased" {}
    let mut from_memory = Feed::after(&stage.service, 0).await;
    let mut told = String::new();
    for _ in 0..3 {
        write!(told, "{:?}", from_memory.event().await.0).unwrap();
    }
    assert!(!told.contains("alice"), "{told}");
    assert!(told.contains("erased: true"), "{told}");
    let mut resumed = Feed::resumed(&stage.service, &seen_nothing).await;
    assert_eq!(resumed.event().await.0.r#type, "user.deleted");
}

async fn an_event_that_cannot_be_read_is_told_all_the_same(stage: &Stage) {
    five_and_two(stage).await;
    stage.place.damage("UPDATE events SET event_type = 'user.cloned' WHERE position = 6").await;
    let mut feed = Feed::after(&stage.service, 5).await;
    let (unreadable, _) = feed.event().await;
    assert_eq!((unreadable.position, unreadable.r#type.as_str()), (6, "user.cloned"));
    assert!(unreadable.unreadable);
    assert_eq!(feed.event().await.0.r#type, "user.deleted");
}

async fn a_listener_who_goes_gives_her_place_back(stage: &Stage) {
    let subscribers = &stage.service.feeds.figures().subscribers;
    let mut feed = Feed::after(&stage.service, 0).await;
    feed.until(v1::FeedMark::CaughtUp).await;
    assert_eq!(subscribers.load(Ordering::Relaxed), 1);
    drop(feed);
    while subscribers.load(Ordering::Relaxed) > 0 {
        tokio::task::yield_now().await;
    }
}

async fn many_listeners_cost_one_reader(stage: &Stage) {
    let mut feeds = Vec::new();
    for _ in 0..100 {
        let mut feed =
            stage.service.feeds.subscribe(feed::Start::Now, EventFilter::default(), soon()).await.unwrap();
        assert!(matches!(feed.next().await.unwrap().told, Told::Mark(Mark::CaughtUp)));
        feeds.push(feed);
    }
    let figures = stage.service.feeds.figures();
    let history = figures.history_pages.load(Ordering::Relaxed);
    five_and_two(stage).await;
    for feed in &mut feeds {
        for position in 1..=7 {
            assert_eq!(event(feed).await, position);
        }
    }
    assert_eq!(figures.history_pages.load(Ordering::Relaxed), history, "nobody has asked the store herself");
}

fn soon() -> Deadline {
    Deadline(Instant::now() + Duration::from_secs(10))
}

/// The position of the next event.
async fn event(feed: &mut Subscription) -> u64 {
    loop {
        if let Told::Event(event) = feed.next().await.unwrap().told {
            return event.recorded().position.0;
        }
    }
}

mod with_small_bounds {
    use super::*;

    on_both_places!(
        who_is_slow_reads_history_and_misses_nothing,
        one_more_listener_than_there_is_room_for_is_told_to_come_back,
        a_stop_ends_every_feed_with_a_token,
        a_log_that_has_gone_another_way_is_found_out,
        a_token_of_another_log_is_known_as_one,
    );
}

fn small() -> FeedLimits {
    FeedLimits {
        subscribers_max: 2,
        ring: RingBounds { events_max: 3, ..RingBounds::default() },
        ..FeedLimits::default()
    }
}

async fn create(service: &Service, name: &str) -> Value {
    let request = json!({"email": format!("{name}@example.org"), "username": name, "password": PASSWORD});
    service.ok("CreateUser", request).await["user"].clone()
}

/// One does not read while another, who does, sees the memory of the feeds run over.
async fn who_is_slow_reads_history_and_misses_nothing(place: &Place) {
    let service = Service::start_with(place, seeded(1), small()).await;
    let user = create(&service, "alice").await;
    let her_id = AggregateId(user["id"].as_str().unwrap().parse::<Uuid>().unwrap());
    let hers = EventFilter { aggregate_ids: vec![her_id], ..EventFilter::default() };
    let mut slow = service.feeds.subscribe(feed::Start::Now, hers, soon()).await.unwrap();
    let mut quick = service.feeds.subscribe(feed::Start::Now, EventFilter::default(), soon()).await.unwrap();
    for feed in [&mut slow, &mut quick] {
        assert!(matches!(feed.next().await.unwrap().told, Told::Mark(Mark::CaughtUp)));
    }
    for round in 0..10 {
        let call = if round % 2 == 0 { "DeactivateUser" } else { "ActivateUser" };
        service.ok(call, json!({"id": user["id"]})).await;
        assert_eq!(event(&mut quick).await, round + 2);
    }
    assert!(matches!(slow.next().await.unwrap().told, Told::Mark(Mark::FellBehind)));
    for position in 2..12 {
        assert_eq!(event(&mut slow).await, position);
    }
    let caught_up = slow.next().await.unwrap();
    assert!(matches!(caught_up.told, Told::Mark(Mark::CaughtUp)));
    assert_eq!(caught_up.position, Position(11));
    assert_eq!(service.feeds.figures().fell_behind.load(Ordering::Relaxed), 1);
    drop((slow, quick));
    service.stop().await;
}

async fn one_more_listener_than_there_is_room_for_is_told_to_come_back(place: &Place) {
    let service = Service::start_with(place, seeded(1), small()).await;
    let mut feeds = [Feed::after(&service, 0).await, Feed::after(&service, 0).await];
    for feed in &mut feeds {
        feed.until(v1::FeedMark::CaughtUp).await;
    }
    let refusal = Feed::after(&service, 0).await.end().await;
    assert_eq!(refusal_of(&refusal), "resource_exhausted TOO_MANY_FEEDS");
    assert!(refusal.to_string().contains("google.rpc.RetryInfo"), "{refusal}");
    drop(feeds);
    service.stop().await;
}

/// The users of a list of names.
async fn create_all(service: &Service, names: &[&str]) {
    for name in names {
        create(service, name).await;
    }
}

/// A backup is restored, and what is written after it takes the places of what had been read.
async fn a_log_that_has_gone_another_way_is_found_out(place: &Place) {
    let service = Service::start(place, seeded(1)).await;
    create(&service, "alice").await;
    service.stop().await;
    let backup = place.backup().await;
    let service = Service::start(place, seeded(2)).await;
    create_all(&service, &["bob", "carol"]).await;
    let mut feed = Feed::after(&service, 0).await;
    let mut tokens = Vec::new();
    for _ in 0..3 {
        tokens.push(feed.event().await.1);
    }
    drop(feed);
    service.stop().await;
    place.restore(&backup).await;
    let service = Service::start(place, seeded(3)).await;
    let end = Feed::resumed(&service, &tokens[2]).await.end().await;
    assert_eq!(refusal_of(&end), "failed_precondition LOG_DIVERGED", "the head is below");
    assert!(end["message"].as_str().unwrap().contains("begin again with a snapshot"), "{end}");
    create_all(&service, &["dave", "erin", "frank"]).await;
    for token in &tokens[1..] {
        let end = Feed::resumed(&service, token).await.end().await;
        assert_eq!(refusal_of(&end), "failed_precondition LOG_DIVERGED", "another event stands there");
    }
    let mut feed = Feed::resumed(&service, &tokens[0]).await;
    assert_eq!(feed.event().await.0.position, 2, "up to the backup it is the same log");
    drop(feed);
    service.stop().await;
}

async fn a_token_of_another_log_is_known_as_one(place: &Place) {
    let service = Service::start(place, seeded(1)).await;
    create(&service, "alice").await;
    let (_, token) = Feed::after(&service, 0).await.event().await;
    let elsewhere = Place::sqlite();
    let other = Service::start(&elsewhere, seeded(2)).await;
    create(&other, "alice").await;
    let end = Feed::resumed(&other, &token).await.end().await;
    assert_eq!(refusal_of(&end), "failed_precondition LOG_DIVERGED");
    other.stop().await;
    service.stop().await;
}

async fn a_stop_ends_every_feed_with_a_token(place: &Place) {
    let service = Service::start_with(place, seeded(1), small()).await;
    create(&service, "alice").await;
    let mut feed = Feed::after(&service, 0).await;
    feed.until(v1::FeedMark::CaughtUp).await;
    service.stop().await;
    let end = feed.end().await;
    assert_eq!(refusal_of(&end), "unavailable STOPPING");
    let token = end["details"][0]["debug"]["metadata"]["resume_token"].as_str().unwrap().to_owned();
    let service = Service::start_with(place, seeded(2), small()).await;
    create(&service, "bob").await;
    let mut feed = Feed::resumed(&service, &token).await;
    assert_eq!(feed.event().await.0.position, 2);
    drop(feed);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_instance_writes_the_feeds_of_the_other_tell() {
    let place = Place::postgres().await;
    let (writer, reader) = (Service::start(&place, seeded(1)).await, Service::start(&place, seeded(2)).await);
    let mut feed = Feed::after(&reader, 0).await;
    feed.until(v1::FeedMark::CaughtUp).await;
    for n in 1..=5 {
        create(&writer, &format!("user{n}")).await;
        assert_eq!(feed.event().await.0.position, n);
    }
    drop(feed);
    writer.stop().await;
    reader.stop().await;
}

/// The database is exchanged under a service that goes on, and filled past the old head through another.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_goes_another_way_ends_the_feeds_of_those_who_listen() {
    let place = Place::postgres().await;
    let service = Service::start(&place, seeded(1)).await;
    create(&service, "alice").await;
    service.stop().await;
    let backup = place.backup().await;
    let service = Service::start(&place, seeded(2)).await;
    create_all(&service, &["bob", "carol"]).await;
    let mut live = Feed::after(&service, 0).await;
    live.until(v1::FeedMark::CaughtUp).await;
    let deleted = json!({"types": ["user.deleted"]});
    let mut filtered = Feed::open(&service, None, deleted).await;
    filtered.until(v1::FeedMark::CaughtUp).await;
    place.restore(&backup).await;
    let other = Service::start(&place, seeded(3)).await;
    create_all(&other, &["dave", "erin", "frank"]).await;
    for feed in [&mut live, &mut filtered] {
        assert_eq!(refusal_of(&feed.end().await), "failed_precondition LOG_DIVERGED");
    }
    drop((live, filtered));
    other.stop().await;
    service.stop().await;
}
