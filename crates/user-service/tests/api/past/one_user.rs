//! One user's past: `GetUser`, `DiffUser` and `ExplainUser`, straight from her events.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::fold::{History, histories, number, told};
use super::random::Dice;
use crate::stage::{Stage, on_both_stores};

on_both_stores!(
    a_user_at_every_position_is_the_fold_of_her_events,
    a_difference_is_what_two_looks_at_her_do_not_share,
    each_field_is_explained_by_the_event_that_set_it_last,
    a_long_history_is_read_to_its_end,
    what_an_erased_user_was_is_told_by_nothing,
    a_moment_that_has_not_come_is_out_of_range,
);

async fn a_user_at_every_position_is_the_fold_of_her_events(stage: &Stage) {
    for history in histories(stage, 1).await {
        let id = &history.id;
        for position in 0..=stage.head().await {
            let asked = json!({"id": id, "asOf": {"position": position.to_string()}});
            assert_eq!(told(stage, asked).await, history.told_at(position), "{id} at {position}");
        }
        for event in &history.events {
            let by_version = told(stage, json!({"id": id, "version": event["version"]})).await;
            assert_eq!(by_version, history.told_at(number(&event["position"])));
        }
        let beyond = json!({"id": id, "version": (history.events.len() + 1).to_string()});
        assert_eq!(told(stage, beyond).await, "out_of_range VERSION_NOT_REACHED version");
    }
}

async fn a_difference_is_what_two_looks_at_her_do_not_share(stage: &Stage) {
    let histories = histories(stage, 2).await;
    let (head, mut dice) = (usize::try_from(stage.head().await).unwrap(), Dice(3));
    for history in &histories {
        for _ in 0..20 {
            let (a, b) = (dice.roll(head + 1) as u64, dice.roll(head + 1) as u64);
            let (from, to) = (a.min(b), a.max(b));
            let request = json!({
                "id": history.id,
                "from": {"position": from.to_string()}, "to": {"position": to.to_string()},
            });
            let answer = stage.service.post("DiffUser", &request).await.body;
            let (before, after) = (history.user_at(from), history.user_at(to));
            let Some(after) = after else {
                assert_eq!(answer["code"], "not_found");
                continue;
            };
            let diff = &answer["diff"];
            assert_eq!(diff["kind"].as_str().unwrap_or_default(), kind(history, before.as_ref(), &after));
            if !history.is_erased() {
                assert_eq!(shared(diff), differing(before.as_ref(), &after), "{request}");
            }
        }
    }
}

fn kind(history: &History, before: Option<&Value>, after: &Value) -> &'static str {
    let same = |field: &str| before.is_some_and(|before| before[field] == after[field]);
    let gone = |user: &Value| history.is_erased() && !user["deletedAt"].is_null();
    let shown = ["email", "username", "firstName", "lastName", "status", "deletedAt"];
    match before {
        Some(before) if gone(before) => "",
        _ if gone(after) => "USER_DIFF_KIND_REMOVED",
        None => "USER_DIFF_KIND_ADDED",
        Some(_) if history.is_erased() && same("etag") => "",
        Some(_) if !history.is_erased() && shown.into_iter().all(same) => "",
        Some(_) => "USER_DIFF_KIND_CHANGED",
    }
}

/// Field, from and to of each change that is told.
fn shared(diff: &Value) -> BTreeMap<String, (String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let changes = diff["changes"].as_array().cloned().unwrap_or_default();
    changes
        .iter()
        .map(|change| (text(&change["field"]), (text(&change["from"]), text(&change["to"]))))
        .collect()
}

/// The same, from two users.
fn differing(before: Option<&Value>, after: &Value) -> BTreeMap<String, (String, String)> {
    let fields = [
        ("email", "email"),
        ("username", "username"),
        ("first_name", "firstName"),
        ("last_name", "lastName"),
        ("status", "status"),
        ("deleted_at", "deletedAt"),
    ];
    let text = |user: Option<&Value>, field: &str| {
        let value = user.and_then(|user| user[field].as_str()).unwrap_or("-");
        match value.strip_prefix("USER_STATUS_") {
            Some(status) => status.to_lowercase(),
            None => value.to_owned(),
        }
    };
    let both =
        |(name, shown): (&str, &str)| (name.to_owned(), (text(before, shown), text(Some(after), shown)));
    fields.into_iter().map(both).filter(|(_, (from, to))| from != to).collect()
}

async fn each_field_is_explained_by_the_event_that_set_it_last(stage: &Stage) {
    for history in histories(stage, 4).await {
        for position in (0..=stage.head().await).step_by(3) {
            let request = json!({"id": history.id, "asOf": {"position": position.to_string()}});
            let answer = stage.service.post("ExplainUser", &request).await.body;
            let mut expected = history.origins_at(position);
            if expected.is_empty() {
                assert_eq!(answer["code"], "not_found");
                continue;
            }
            for field in answer["fields"].as_array().unwrap() {
                let origin = expected.remove(field["field"].as_str().unwrap()).expect("it was set");
                assert_eq!((&field["value"], &field["before"]), (&origin.value, &origin.before));
                assert_eq!(field["event"], origin.event);
            }
            assert!(expected.is_empty(), "every field is explained");
        }
        let now = stage.ok("ExplainUser", json!({"id": history.id})).await;
        assert_eq!(now["position"], history.events.last().unwrap()["position"]);
    }
}

/// Longer than what is read at once.
async fn a_long_history_is_read_to_its_end(stage: &Stage) {
    let alice = stage.create("alice").await;
    for n in 0..510 {
        stage.ok("UpdateUser", json!({"id": alice.id(), "firstName": n.to_string()})).await;
    }
    for (position, name) in [(2, "0"), (500, "498"), (501, "499"), (502, "500"), (511, "509")] {
        let asked = json!({"id": alice.id(), "asOf": {"position": position.to_string()}});
        assert_eq!(stage.ok("GetUser", asked).await["user"]["firstName"], name, "at {position}");
    }
    let explained = stage.ok("ExplainUser", json!({"id": alice.id()})).await;
    let name = &explained["fields"].as_array().unwrap()[2];
    assert_eq!((&name["value"], &name["before"]), (&json!("509"), &json!("508")));
    let diff = json!({"id": alice.id(), "from": {"position": "2"}});
    let diff = stage.ok("DiffUser", diff).await;
    assert_eq!(diff["diff"]["changes"], json!([{"field": "first_name", "from": "0", "to": "509"}]));
}

async fn what_an_erased_user_was_is_told_by_nothing(stage: &Stage) {
    let request = json!({
        "email": "canary@example.org", "username": "canary", "password": "canary sings in vain",
        "firstName": "canary", "lastName": "canary", "avatarUrl": "https://example.org/canary",
    });
    let id = stage.ok("CreateUser", request).await["user"]["id"].clone();
    stage.ok("UpdateUser", json!({"id": id, "email": "canary2@example.org"})).await;
    stage.ok("SuspendUser", json!({"id": id, "reason": "canary"})).await;
    stage.ok("DeleteUser", json!({"id": id})).await;
    let look = async |position: u64| {
        let moment = json!({"position": position.to_string()});
        let mut told = String::new();
        for (call, request) in [
            ("GetUser", json!({"id": id, "asOf": moment})),
            ("DiffUser", json!({"id": id, "from": {"position": "0"}, "to": moment})),
            ("DiffUser", json!({"id": id, "from": moment})),
            ("ExplainUser", json!({"id": id, "asOf": moment})),
        ] {
            told += &stage.ok(call, request).await.to_string();
        }
        told
    };
    for position in 1..=4 {
        assert!(look(position).await.contains("canary"), "until she is erased she is told whole");
    }
    stage.ok("EraseUser", json!({"id": id})).await;
    for position in 1..=5 {
        let told = look(position).await;
        assert!(!told.contains("canary"), "{told}");
        assert!(told.contains("USER_STATUS_ERASED"));
    }
    let removed = json!({"id": id, "from": {"position": "4"}});
    assert_eq!(stage.ok("DiffUser", removed).await["diff"]["kind"], "USER_DIFF_KIND_REMOVED");
}

async fn a_moment_that_has_not_come_is_out_of_range(stage: &Stage) {
    let id = stage.create("alice").await.id().to_owned();
    let (first, future) = (json!({"position": "1"}), json!({"time": "2126-01-01T00:00:00Z"}));
    for beyond in [json!({"position": "2"}), json!({"position": u64::MAX.to_string()}), future] {
        for (call, field, request) in [
            ("GetUser", "as_of", json!({"id": id, "asOf": beyond})),
            ("DiffUser", "from", json!({"id": id, "from": beyond})),
            ("DiffUser", "to", json!({"id": id, "from": first, "to": beyond})),
            ("ExplainUser", "as_of", json!({"id": id, "asOf": beyond})),
        ] {
            let refused = stage.refused(call, request).await;
            assert_eq!(refused, format!("out_of_range POSITION_NOT_REACHED {field}"), "{call} {beyond}");
        }
    }
    let reversed = json!({"id": id, "from": first, "to": {"position": "0"}});
    assert_eq!(stage.refused("DiffUser", reversed).await, "invalid_argument MOMENTS_REVERSED to");
}
