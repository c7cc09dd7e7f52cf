//! Whoever listens is told everything that her filter lets through, in order, once, whatever happens to her connection.

use std::fmt::Write as _;

use serde_json::json;
use user_api::v1;
use user_api::v1::watch_events_request::Start;

use super::listener::{Feed, five_and_two, words};
use crate::stage::{Stage, on_both_stores, refusal_of};

on_both_stores!(
    a_feed_tells_history_and_then_what_happens,
    a_feed_begins_now_unless_told_otherwise,
    a_feed_is_resumed_at_every_event,
    a_feed_tells_what_its_filter_lets_through,
    what_cannot_be_resumed_is_refused,
    an_erased_user_is_gone_from_history_and_memory,
    an_event_that_cannot_be_read_is_told_all_the_same,
);

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
