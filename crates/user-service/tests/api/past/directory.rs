//! The past of all users: `ListUsers` and `DiffUsers` at any position, and who owned what.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::fold::{History, histories, number};
use super::random::Dice;
use crate::stage::{PASSWORD, Stage, on_both_stores};

on_both_stores!(
    the_directory_at_every_position_is_the_fold_of_all_events,
    a_list_shows_one_moment_whatever_is_written_between_its_pages,
    whoever_is_listed_is_found_behind_many_who_are_not,
    an_address_has_the_owner_it_had,
    differences_of_all_users_are_those_of_each,
    an_erased_user_existed_and_that_is_all,
    what_goes_with_a_moment_only_and_what_does_not_is_said,
);

/// All pages of a list, from the first to the last.
async fn pages(stage: &Stage, call: &str, mut request: Value, field: &str) -> Vec<Value> {
    let mut items = Vec::new();
    loop {
        let page = stage.ok(call, request.clone()).await;
        items.extend(page[field].as_array().cloned().unwrap_or_default());
        request["pageToken"] = page["nextPageToken"].clone();
        if request["pageToken"].is_null() {
            return items;
        }
    }
}

fn at(position: u64) -> Value {
    json!({"position": position.to_string()})
}

fn created(user: &Value) -> Timestamp {
    user["createdAt"].as_str().unwrap().parse().unwrap()
}

/// Everybody who is like this at a position, the newest first.
fn expected(histories: &[History], position: u64, statuses: &[&str]) -> Vec<Value> {
    let users = histories.iter().filter_map(|history| history.user_at(position));
    let wanted = |user: &Value| statuses.contains(&user["status"].as_str().unwrap());
    let mut users: Vec<_> = users.filter(wanted).collect();
    users.sort_by_key(|user| Reverse(created(user)));
    users
}

async fn the_directory_at_every_position_is_the_fold_of_all_events(stage: &Stage) {
    let (histories, mut dice) = (histories(stage, 11).await, Dice(12));
    let all = ["ACTIVE", "INACTIVE", "SUSPENDED", "DELETED", "ERASED"];
    let all = all.map(|status| format!("USER_STATUS_{status}"));
    for position in 0..=stage.head().await {
        let some: Vec<&str> = all.iter().filter(|_| dice.roll(2) == 0).map(String::as_str).collect();
        let wanted = if some.is_empty() { vec![&*all[0], &*all[1], &*all[2]] } else { some.clone() };
        let size = dice.roll(4) + 1;
        let request = json!({"asOf": at(position), "filter": {"statuses": some}, "pageSize": size});
        let listed = pages(stage, "ListUsers", request.clone(), "users").await;
        assert_eq!(listed, expected(&histories, position, &wanted), "{request}");
    }
}

async fn a_list_shows_one_moment_whatever_is_written_between_its_pages(stage: &Stage) {
    for n in 0..5 {
        stage.create(&format!("user{n}")).await;
    }
    let then = stage.ok("ListUsers", json!({})).await["users"].clone();
    let mut request = json!({"asOf": {"time": "2026-01-01T00:00:00.000004Z"}, "pageSize": 2});
    let mut listed: Vec<Value> = Vec::new();
    loop {
        let page = stage.ok("ListUsers", request.clone()).await;
        assert_eq!(page["position"], "5");
        let users = page["users"].as_array().unwrap();
        listed.extend_from_slice(users);
        for user in users {
            stage.ok("DeleteUser", json!({"id": user["id"]})).await;
        }
        stage.create(&format!("late{}", listed.len())).await;
        for user in then.as_array().unwrap() {
            let name = format!("renamed{}-{}", listed.len(), &user["username"].as_str().unwrap()[4..]);
            stage.service.post("UpdateUser", &json!({"id": user["id"], "username": name})).await;
        }
        request["pageToken"] = page["nextPageToken"].clone();
        if request["pageToken"].is_null() {
            break;
        }
    }
    assert_eq!(json!(listed), then);
}

async fn whoever_is_listed_is_found_behind_many_who_are_not(stage: &Stage) {
    for n in 0..24 {
        let user = stage.create(&format!("user{n}")).await;
        if n % 12 != 0 {
            stage.change("DeleteUser", &user).await;
        }
    }
    let head = stage.head().await;
    for size in [1, 2, 3, 5] {
        let listed = pages(stage, "ListUsers", json!({"asOf": at(head), "pageSize": size}), "users").await;
        let names: Vec<_> = listed.iter().map(|user| user["username"].as_str().unwrap()).collect();
        assert_eq!(names, ["user12", "user0"], "in pages of {size}");
    }
}

async fn an_address_has_the_owner_it_had(stage: &Stage) {
    let alice = stage.create("alice").await;
    let moved = json!({"id": alice.id(), "email": "alix@example.org", "username": "alix"});
    let moved = number(&stage.ok("UpdateUser", moved).await["position"]);
    let other = stage.create("alice").await;
    let other_since = stage.head().await;
    stage.change("DeleteUser", &other).await;
    let deleted = stage.head().await;
    let owner = async |by: Value, position: u64| {
        let mut request = by;
        request["asOf"] = at(position);
        let answer = stage.service.post("GetUser", &request).await;
        answer.body["user"]["id"].as_str().unwrap_or("nobody").to_owned()
    };
    for by in [json!({"email": "ALICE@example.org"}), json!({"username": "Alice"})] {
        for (position, whose) in [
            (0, "nobody"),
            (1, alice.id()),
            (moved, "nobody"),
            (other_since, other.id()),
            (deleted, other.id()),
        ] {
            assert_eq!(owner(by.clone(), position).await, whose, "{by} at {position}");
        }
    }
    let both = json!({"email": "alice@example.org", "username": "alice"});
    let listed = json!({"asOf": at(1), "filter": both});
    assert_eq!(stage.ok("ListUsers", listed).await["users"][0]["id"], alice.id());
    let listed = json!({"asOf": at(moved), "filter": {"email": "alix@example.org", "username": "alice"}});
    assert_eq!(stage.ok("ListUsers", listed).await.get("users"), None, "they were not the same user's");
    stage.change("EraseUser", &other).await;
    assert_eq!(owner(json!({"username": "alice"}), other_since).await, "nobody", "nobody can tell any more");
    assert_eq!(owner(json!({"username": "alice"}), 1).await, alice.id());
}

async fn differences_of_all_users_are_those_of_each(stage: &Stage) {
    let histories = histories(stage, 13).await;
    let (head, mut dice) = (usize::try_from(stage.head().await).unwrap(), Dice(14));
    for _ in 0..30 {
        let (a, b) = (dice.roll(head + 1) as u64, dice.roll(head + 1) as u64);
        let (from, to) = (at(a.min(b)), at(a.max(b)));
        let mut each = BTreeMap::new();
        for history in &histories {
            let request = json!({"id": history.id, "from": from, "to": to});
            let diff = stage.service.post("DiffUser", &request).await.body["diff"].clone();
            if diff["kind"].is_string() {
                each.insert(history.id.clone(), diff);
            }
        }
        let request = json!({"from": from, "to": to, "pageSize": dice.roll(4) + 1});
        let all = pages(stage, "DiffUsers", request, "diffs").await;
        let ids = all.iter().map(|diff| diff["userId"].as_str().unwrap().to_owned());
        assert_eq!(ids.clone().count(), each.len(), "nobody is told twice");
        assert_eq!(ids.zip(all.iter().cloned()).collect::<BTreeMap<_, _>>(), each);
    }
}

async fn an_erased_user_existed_and_that_is_all(stage: &Stage) {
    let request = json!({
        "email": "canary@example.org", "username": "canary", "password": PASSWORD, "firstName": "canary",
        "lastName": "canary", "avatarUrl": "https://example.org/canary",
    });
    let id = stage.ok("CreateUser", request).await["user"]["id"].clone();
    stage.ok("UpdateUser", json!({"id": id, "email": "canary2@example.org"})).await;
    stage.ok("DeleteUser", json!({"id": id})).await;
    stage.ok("EraseUser", json!({"id": id})).await;
    let all = ["ACTIVE", "INACTIVE", "SUSPENDED", "DELETED", "ERASED"];
    let all = all.map(|status| format!("USER_STATUS_{status}"));
    for position in 1..=4 {
        let listed = json!({"asOf": at(position), "filter": {"statuses": all}});
        let listed = stage.ok("ListUsers", listed).await;
        let alone = stage.ok("GetUser", json!({"id": id, "asOf": at(position)})).await;
        assert_eq!(listed["users"], json!([alone["user"]]), "both ways to look at her agree");
        assert_eq!(alone["user"]["status"], "USER_STATUS_ERASED");
        let diffs = stage.ok("DiffUsers", json!({"from": at(0), "to": at(position)})).await;
        for told in [listed, alone, diffs] {
            assert!(!told.to_string().contains("canary"), "{told}");
        }
        for owned in [json!({"email": "canary@example.org"}), json!({"username": "canary"})] {
            let request = json!({"asOf": at(position), "filter": owned});
            assert_eq!(stage.ok("ListUsers", request).await.get("users"), None);
        }
    }
    let unless_asked = stage.ok("ListUsers", json!({"asOf": at(1)})).await;
    assert_eq!(unless_asked.get("users"), None);
}

async fn what_goes_with_a_moment_only_and_what_does_not_is_said(stage: &Stage) {
    stage.create("alice").await;
    for (request, told) in [
        (json!({"orderBy": "email"}), "invalid_argument NOT_IN_THE_PAST order_by"),
        (json!({"filter": {"query": "ali"}}), "invalid_argument NOT_IN_THE_PAST filter.query"),
        (json!({"minPosition": "1"}), "invalid_argument NOT_IN_THE_PAST min_position"),
        (json!({"filter": {"email": "alice"}}), "invalid_argument SYNTAX filter.email"),
        (json!({"filter": {"statuses": [0]}}), "invalid_argument UNKNOWN_STATUS filter.statuses"),
        (json!({"asOf": {"position": "2"}}), "out_of_range POSITION_NOT_REACHED as_of"),
    ] {
        let mut asked = json!({"asOf": at(1)});
        asked.as_object_mut().unwrap().extend(request.as_object().unwrap().clone());
        assert_eq!(stage.refused("ListUsers", asked).await, told);
    }
    stage.create("bob").await;
    let (one, two) = (json!({"asOf": at(2), "pageSize": 1}), json!({"asOf": at(1), "pageSize": 1}));
    let token = stage.ok("ListUsers", one).await["nextPageToken"].clone();
    for mut other in [two, json!({"pageSize": 1})] {
        other["pageToken"] = token.clone();
        assert_eq!(stage.refused("ListUsers", other).await, "invalid_argument BAD_PAGE_TOKEN page_token");
    }
}
