//! Projections as they run in a service: what they read of an event, and that their rows are the read model's.

use cqrs::projection::Decode;
use eventstore::{EventQuery, Position, RecordedEvent};
use serde_json::json;
use user_domain::{Email, UserEvent};

use crate::stage::{Stage, on_both_stores};

on_both_stores!(
    events_are_read_with_the_keys_of_their_users,
    of_an_erased_user_only_the_open_part_is_read,
    an_event_that_cannot_be_read_spoils_no_other,
    what_is_searched_is_what_is_shown,
    history_keeps_every_state_and_forgets_who_was_erased,
);

async fn log(stage: &Stage) -> Vec<RecordedEvent> {
    let all = EventQuery::after(Position::START, 100);
    stage.service.directory.store().events(&all).await.unwrap().events
}

async fn events_are_read_with_the_keys_of_their_users(stage: &Stage) {
    let alice = stage.create("alice").await;
    stage.create("bob").await;
    stage.change("SuspendUser", &alice).await;
    let events = log(stage).await;
    let decoded = stage.service.directory.decoder().decode(&events).await.unwrap();
    assert_eq!(decoded.len(), 3);
    for (event, decoded) in events.iter().zip(decoded) {
        let decoded = decoded.unwrap();
        assert_eq!((&decoded.raw, decoded.happened.position), (event, event.position));
        assert!(!decoded.happened.event.is_redacted());
        assert!(decoded.claims.contains_key(Email::SCOPE), "what she owns is told");
    }
}

async fn of_an_erased_user_only_the_open_part_is_read(stage: &Stage) {
    let alice = stage.create("alice").await;
    stage.create("bob").await;
    stage.change("DeleteUser", &alice).await;
    stage.change("EraseUser", &alice).await;
    let decoded = stage.service.directory.decoder().decode(&log(stage).await).await.unwrap();
    let decoded: Vec<_> = decoded.into_iter().map(Result::unwrap).collect();
    let redacted: Vec<_> = decoded.iter().map(|event| event.happened.event.is_redacted()).collect();
    assert_eq!(redacted, [true, false, false, false], "a deletion has nothing personal to lose");
    assert!(decoded[0].claims.is_empty() && !decoded[1].claims.is_empty());
    assert!(matches!(decoded[3].happened.event, UserEvent::UserErased(_)));
}

async fn an_event_that_cannot_be_read_spoils_no_other(stage: &Stage) {
    stage.create("alice").await;
    let event = log(stage).await.remove(0);
    let unknown = RecordedEvent { event_type: "user.cloned".to_owned(), sealed: None, ..event.clone() };
    let newer = RecordedEvent { schema_version: 2, sealed: None, ..event.clone() };
    let moved = RecordedEvent { version: event.version.next(), ..event.clone() };
    let garbage = RecordedEvent { data: "alice@example.org".to_owned(), sealed: None, ..event.clone() };
    let events = [unknown, newer, moved, garbage, event];
    let decoded = stage.service.directory.decoder().decode(&events).await.unwrap();
    let told: Vec<_> =
        decoded.iter().map(|one| one.as_ref().map_or_else(|e| e.0.as_str(), |_| "read")).collect();
    assert_eq!(
        told,
        [
            "event 1 cannot be decoded: the event type \"user.cloned\" is not known",
            "event 1 cannot be decoded: version 2 of user.created is not known; the newest known is 1",
            "event 1 cannot be unsealed: the sealed bytes do not fit the key and the place they stand in",
            "event 1 cannot be decoded: the open part of user.created version 1 cannot be read, at column 1",
            "read",
        ]
    );
}

/// Waits until every projection has come to the head.
async fn settle(stage: &Stage) {
    let head = json!(stage.head().await.to_string());
    stage.ok("ListUsers", json!({"orderBy": "email", "minPosition": head})).await;
    stage.ok("GetActivity", json!({"minPosition": head})).await;
    let deadline = eventstore::Deadline(std::time::Instant::now() + std::time::Duration::from_secs(20));
    let projections = stage.service.directory.projections();
    projections.reached("user_history", Position(stage.head().await), deadline).await.unwrap();
}

async fn what_is_searched_is_what_is_shown(stage: &Stage) {
    let alice = stage.create("alice").await;
    let bob = stage.create("bob").await;
    let carol = stage.create("carol").await;
    stage.ok("UpdateUser", json!({"id": alice.id(), "firstName": "Alice", "email": "a@b.org"})).await;
    stage.change("SuspendUser", &bob).await;
    stage.change("DeleteUser", &bob).await;
    stage.change("DeleteUser", &carol).await;
    stage.change("EraseUser", &carol).await;
    settle(stage).await;
    let columns = "id, email, username, first_name, last_name, avatar_url, status, standing, created_at, \
        last_updated, deleted_at, version, position";
    let rows = async |table| stage.place.rows(&format!("SELECT {columns} FROM {table} ORDER BY id")).await;
    let (searched, shown) = (rows("user_search").await, rows("user_read_model").await);
    assert_eq!((searched.len(), &searched), (2, &shown));
}

async fn history_keeps_every_state_and_forgets_who_was_erased(stage: &Stage) {
    let alice = stage.create("alice").await;
    stage.ok("UpdateUser", json!({"id": alice.id(), "email": "a@b.org", "username": "alix"})).await;
    let bob = stage.create("bob").await;
    stage.change("SuspendUser", &bob).await;
    settle(stage).await;
    stage.change("DeleteUser", &bob).await;
    stage.change("EraseUser", &bob).await;
    settle(stage).await;
    let rows = stage
        .place
        .rows(
            "SELECT version, from_position, to_position, status, email, username, \
             CASE WHEN email_claim IS NULL THEN 'none' ELSE 'claimed' END, \
             CASE WHEN username_claim IS NULL THEN 'none' ELSE 'claimed' END \
             FROM user_history ORDER BY id, version",
        )
        .await;
    let rows: Vec<_> = rows.iter().map(|row| row.join(" ").replace(&i64::MAX.to_string(), "on")).collect();
    assert_eq!(
        rows,
        [
            "1 1 2 active alice@example.org alice claimed claimed",
            "2 2 3 active a@b.org alice claimed claimed",
            "3 3 on active a@b.org alix claimed claimed",
            "1 4 5 active NULL NULL none none",
            "2 5 6 suspended NULL NULL none none",
            "3 6 7 deleted NULL NULL none none",
            "4 7 on erased NULL NULL none none",
        ]
    );
}
