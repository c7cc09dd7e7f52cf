//! What listeners cost: one reader for all of them, nothing for whoever is slow, and no more of them than there is room for.

use std::sync::atomic::Ordering;

use eventstore::{AggregateId, EventFilter, Position};
use serde_json::json;
use user_api::v1;
use user_service::feed::{self, FeedLimits, Mark, RingBounds, Told};
use uuid::Uuid;

use super::listener::{Feed, create, event, five_and_two, soon};
use crate::stage::{Place, Service, Stage, on_both_places, on_both_stores, refusal_of, seeded};

on_both_stores!(a_listener_who_goes_gives_her_place_back, many_listeners_cost_one_reader);

mod within_small_bounds {
    use super::{
        a_stop_ends_every_feed_with_a_token, on_both_places,
        one_more_listener_than_there_is_room_for_is_told_to_come_back,
        who_is_slow_reads_history_and_misses_nothing,
    };

    on_both_places!(
        who_is_slow_reads_history_and_misses_nothing,
        one_more_listener_than_there_is_room_for_is_told_to_come_back,
        a_stop_ends_every_feed_with_a_token,
    );
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

fn small() -> FeedLimits {
    FeedLimits {
        subscribers_max: 2,
        ring: RingBounds { events_max: 3, ..RingBounds::default() },
        ..FeedLimits::default()
    }
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
