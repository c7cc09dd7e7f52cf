//! What a feed has read is looked for again each time it reads on: in a restored log, in another one, from another instance.

use serde_json::json;
use user_api::v1;

use super::listener::{Feed, create, create_all};
use crate::stage::{Place, Service, on_both_places, refusal_of, seeded};

on_both_places!(a_log_that_has_gone_another_way_is_found_out, a_token_of_another_log_is_known_as_one);

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
