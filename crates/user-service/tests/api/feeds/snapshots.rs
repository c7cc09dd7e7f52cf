//! `WatchEvents` with a snapshot: a copy of the directory at one position, then everything that comes after it.

use eventstore::EventFilter;
use serde_json::json;
use user_api::v1;
use user_api::v1::watch_events_request::Start;
use user_api::v1::watch_events_response::Step;
use user_domain::User;
use user_service::feed::{self, Mark, Subscription, Told};

use super::listener::{Feed, soon};
use crate::stage::{Stage, on_both_stores};

on_both_stores!(
    a_snapshot_is_everybody_and_then_comes_what_happens,
    a_snapshot_of_some_is_of_them_alone,
    who_is_erased_while_a_snapshot_is_read_is_told_as_erased,
    a_snapshot_that_breaks_off_begins_anew,
);

const SNAPSHOT: Option<Start> = Some(Start::Snapshot(true));

/// The users up to the end of the snapshot, and its position.
async fn users(feed: &mut Feed) -> (Vec<v1::User>, u64) {
    let mut users = Vec::new();
    loop {
        let next = feed.next().await;
        match next.step.unwrap() {
            Step::User(user) => {
                assert_eq!(next.resume_token, "", "a part of a snapshot cannot be resumed");
                users.push(*user);
            }
            Step::Mark(mark) if mark == v1::FeedMark::SnapshotComplete => {
                assert_ne!(next.resume_token, "");
                return (users, next.position);
            }
            other => panic!("that is not part of a snapshot: {other:?}"),
        }
    }
}

async fn a_snapshot_is_everybody_and_then_comes_what_happens(stage: &Stage) {
    let [alice, bob, carol] =
        [stage.create("alice").await, stage.create("bob").await, stage.create("carol").await];
    stage.change("SuspendUser", &alice).await;
    for user in [&bob, &carol] {
        stage.change("DeleteUser", user).await;
    }
    stage.change("EraseUser", &carol).await;
    let mut feed = Feed::open(&stage.service, SNAPSHOT, json!({})).await;
    let (users, position) = users(&mut feed).await;
    assert_eq!(position, stage.head().await);
    let shown: Vec<_> = users.iter().map(|user| serde_json::to_value(user).unwrap()).collect();
    assert_eq!(shown, [stage.get(&alice).await.0, stage.get(&bob).await.0], "carol was gone before");
    assert_eq!(feed.until(v1::FeedMark::CaughtUp).await.len(), 1);
    stage.change("ReinstateUser", &alice).await;
    let (event, token) = feed.event().await;
    assert_eq!((event.position, event.r#type.as_str()), (position + 1, "user.reinstated"));
    stage.change("RestoreUser", &bob).await;
    assert_eq!(Feed::resumed(&stage.service, &token).await.event().await.0.position, position + 2);
}

async fn a_snapshot_of_some_is_of_them_alone(stage: &Stage) {
    let [alice, bob, carol] =
        [stage.create("alice").await, stage.create("bob").await, stage.create("carol").await];
    let filter = json!({"userIds": [carol.id(), alice.id()], "types": ["user.deleted"]});
    let mut feed = Feed::open(&stage.service, SNAPSHOT, filter).await;
    let names: Vec<_> = users(&mut feed).await.0.into_iter().map(|user| user.username).collect();
    assert_eq!(names, ["alice", "carol"]);
    for user in [&bob, &carol] {
        stage.change("DeleteUser", user).await;
    }
    assert_eq!(feed.event().await.0.user_id, carol.id());
}

async fn open(stage: &Stage, start: feed::Start) -> Subscription {
    stage.service.feeds.subscribe(start, EventFilter::default(), soon()).await.unwrap()
}

async fn who_is_erased_while_a_snapshot_is_read_is_told_as_erased(stage: &Stage) {
    let [_, bob] = [stage.create("alice").await, stage.create("bob").await];
    stage.change("DeleteUser", &bob).await;
    let mut copy = open(stage, feed::Start::Snapshot).await;
    let mut tail = open(stage, feed::Start::Now).await;
    assert!(matches!(copy.next().await.unwrap().told, Told::User(user) if matches!(*user, User::Live(_))));
    stage.change("EraseUser", &bob).await;
    while !matches!(tail.next().await.unwrap().told, Told::Event(_)) {}
    let told = copy.next().await.unwrap().told;
    assert!(matches!(&told, Told::User(user) if matches!(**user, User::Erased(_))), "{told:?}");
    assert!(matches!(copy.next().await.unwrap().told, Told::Mark(Mark::SnapshotComplete)));
    let after = copy.next().await.unwrap();
    assert!(matches!(after.told, Told::Event(_)), "and then that it happened: {after:?}");
}

async fn a_snapshot_that_breaks_off_begins_anew(stage: &Stage) {
    for name in ["alice", "bob", "carol"] {
        stage.create(name).await;
    }
    let mut feed = Feed::open(&stage.service, SNAPSHOT, json!({})).await;
    feed.next().await;
    drop(feed);
    let dave = stage.create("dave").await;
    let mut feed = Feed::open(&stage.service, SNAPSHOT, json!({})).await;
    let (users, position) = users(&mut feed).await;
    assert_eq!((users.len(), position), (4, 4));
    stage.change("DeleteUser", &dave).await;
    assert_eq!(feed.event().await.0.position, 5);
}
