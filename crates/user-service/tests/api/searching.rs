//! Searching and sorting users: in any case, in every order, page by page, and as new as the caller wants it.

use std::time::Duration;

use serde_json::{Value, json};

use crate::stage::{Database, Place, Stage, User, on_both_stores};

on_both_stores!(
    a_user_is_found_by_a_part_of_whatever_she_is_called,
    what_is_searched_for_means_itself,
    who_is_called_otherwise_now_is_found_by_that,
    nobody_finds_who_has_been_erased,
    users_are_listed_in_every_order,
    a_search_keeps_to_its_statuses,
    pages_of_a_search_hold_everybody_once,
    a_page_token_is_bound_to_the_whole_question,
    a_list_is_as_new_as_the_caller_wants_it,
    a_position_that_the_log_has_not_reached_is_out_of_range_at_once,
    whoever_cannot_wait_is_told_how_far_the_view_is,
);

/// What was just written is found: the answer waits for it.
async fn list(stage: &Stage, mut request: Value) -> Value {
    request["minPosition"] = json!(stage.head().await.to_string());
    stage.ok("ListUsers", request).await
}

fn names(page: &Value) -> String {
    let users = page["users"].as_array().map_or(&[][..], Vec::as_slice);
    users.iter().filter_map(|user| user["username"].as_str()).collect::<Vec<_>>().join(" ")
}

async fn found(stage: &Stage, query: &str) -> String {
    names(&list(stage, json!({"filter": {"query": query}})).await)
}

async fn named(stage: &Stage, username: &str, first: &str, last: &str) -> User {
    let user = stage.create(username).await;
    let names = json!({"id": user.id(), "firstName": first, "lastName": last});
    User(stage.ok("UpdateUser", names).await["user"].clone())
}

async fn a_user_is_found_by_a_part_of_whatever_she_is_called(stage: &Stage) {
    let alice = named(stage, "alice", "Alice", "Liddell").await;
    named(stage, "bob", "Bob", "Straße").await;
    let page = list(stage, json!({"filter": {"query": "LIDD"}})).await;
    assert_eq!(page["users"], json!([alice.0]), "she is shown as GetUser shows her");
    assert_eq!(page["position"], json!(stage.head().await.to_string()));
    for (query, who) in [
        ("alice", "alice"),
        ("ICE@EX", "alice"),
        ("example.org", "bob alice"),
        ("strasse", "bob"),
        ("STRASSE", "bob"),
        ("b", "bob"),
        ("i", "alice"),
        ("carol", ""),
        ("Alice Liddell", ""),
    ] {
        assert_eq!(found(stage, query).await, who, "{query}");
    }
}

/// Nothing but speed is lost, and the total of what no index knows; until somebody who may makes the index.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_without_trigrams_is_searched_along_the_order() {
    let mut database = Database::new().await;
    let owner = database.owner().await;
    database.give_to_a_tenant().await;
    let stage = Stage::set(Place::Postgres(database)).await;
    let extensions = stage.place.rows("SELECT extname FROM pg_extension").await;
    assert_eq!(extensions, [["plpgsql"]], "the login may not make one, and the migration went through");
    named(&stage, "alice", "Alice", "Liddell").await;
    named(&stage, "bob", "Bob", "Straße").await;
    for (query, who) in [("LIDD", "alice"), ("example.org", "bob alice"), ("carol", "")] {
        assert_eq!(found(&stage, query).await, who, "{query}");
    }
    let counted = json!({"filter": {"query": "LIDD"}, "includeTotal": true});
    assert_eq!(list(&stage, counted.clone()).await["totalRefused"], json!("TOTAL_TOO_COSTLY"));
    for statement in [
        "CREATE EXTENSION pg_trgm",
        "CREATE INDEX CONCURRENTLY user_search_by_text ON user_search \
         USING gin ((ARRAY[created_position >> 12]), folded gin_trgm_ops)",
    ] {
        owner.batch_execute(statement).await.unwrap();
    }
    assert_eq!(list(&stage, counted).await["totalSize"], json!("1"));
    stage.clear().await;
}

async fn what_is_searched_for_means_itself(stage: &Stage) {
    named(stage, "percent", "50% off", r"back\slash").await;
    named(stage, "under_score", "a_b", "it's; DROP TABLE user_search; --").await;
    named(stage, "plain", "50 off", "aXb").await;
    for (query, who) in [
        ("50%", "percent"),
        ("%", "percent"),
        ("_", "under_score"),
        ("a_b", "under_score"),
        (r"\", "percent"),
        (r"k\s", "percent"),
        ("'", "under_score"),
        ("drop table", "under_score"),
        ("$1", ""),
    ] {
        assert_eq!(found(stage, query).await, who, "{query}");
    }
}

async fn who_is_called_otherwise_now_is_found_by_that(stage: &Stage) {
    let alice = stage.create("alice").await;
    stage.ok("UpdateUser", json!({"id": alice.id(), "username": "alix", "email": "a@b.org"})).await;
    assert_eq!(found(stage, "alice").await, "");
    assert_eq!(found(stage, "ALIX").await, "alix");
    assert_eq!(found(stage, "a@b").await, "alix");
}

async fn nobody_finds_who_has_been_erased(stage: &Stage) {
    let alice = stage.create("alice").await;
    assert_eq!(found(stage, "alice").await, "alice");
    stage.change("DeleteUser", &alice).await;
    stage.change("EraseUser", &alice).await;
    // Without waiting for the projection: the erasure itself has taken her row.
    let now = stage.ok("ListUsers", json!({"filter": {"query": "alice"}})).await;
    assert_eq!(names(&now), "");
    let all = json!(["USER_STATUS_ACTIVE", "USER_STATUS_DELETED"]);
    let later = list(stage, json!({"filter": {"query": "alice", "statuses": all}})).await;
    assert_eq!(names(&later), "");
}

async fn users_are_listed_in_every_order(stage: &Stage) {
    for name in ["bob", "Alice", "dave", "carol"] {
        stage.create(name).await;
    }
    let changed = list(stage, json!({})).await["users"][3].clone();
    stage.ok("UpdateUser", json!({"id": changed["id"], "email": "zoe@example.org"})).await;
    for (order, who) in [
        ("", "carol dave Alice bob"),
        ("created_at desc", "carol dave Alice bob"),
        ("created_at", "bob Alice dave carol"),
        ("updated_at", "Alice dave carol bob"),
        ("updated_at desc", "bob carol dave Alice"),
        ("username", "Alice bob carol dave"),
        ("username desc", "dave carol bob Alice"),
        ("email", "Alice carol dave bob"),
        ("email desc", "bob dave carol Alice"),
    ] {
        assert_eq!(names(&list(stage, json!({"orderBy": order})).await), who, "{order:?}");
        let searched = list(stage, json!({"orderBy": order, "filter": {"query": "example"}})).await;
        assert_eq!(names(&searched), who, "{order:?}, of those who are found");
    }
}

async fn a_search_keeps_to_its_statuses(stage: &Stage) {
    let mut users = Vec::new();
    for name in ["alice", "bob", "carol", "dave"] {
        users.push(stage.create(name).await);
    }
    stage.change("DeactivateUser", &users[1]).await;
    stage.change("SuspendUser", &users[2]).await;
    stage.change("DeleteUser", &users[3]).await;
    assert_eq!(found(stage, "example").await, "carol bob alice", "the deleted are left out");
    for (status, who) in
        [("ACTIVE", "alice"), ("INACTIVE", "bob"), ("SUSPENDED", "carol"), ("DELETED", "dave")]
    {
        let filter = json!({"query": "example", "statuses": [format!("USER_STATUS_{status}")]});
        assert_eq!(names(&list(stage, json!({"filter": filter})).await), who);
    }
}

async fn pages_of_a_search_hold_everybody_once(stage: &Stage) {
    for n in 0..7 {
        named(stage, &format!("user{n}"), "Same", "Name").await;
        stage.create(&format!("other{n}")).await;
    }
    for order in ["", "created_at", "updated_at desc", "username", "email desc"] {
        let mut request = json!({"pageSize": 3, "orderBy": order, "filter": {"query": "same"}});
        let mut seen = Vec::new();
        loop {
            let page = list(stage, request.clone()).await;
            seen.extend(names(&page).split_whitespace().map(str::to_owned));
            request["pageToken"] = page["nextPageToken"].clone();
            if request["pageToken"].is_null() {
                break;
            }
        }
        seen.sort();
        assert_eq!(seen, (0..7).map(|n| format!("user{n}")).collect::<Vec<_>>(), "{order}");
    }
}

async fn a_page_token_is_bound_to_the_whole_question(stage: &Stage) {
    for name in ["alice", "bob", "carol"] {
        stage.create(name).await;
    }
    let question = json!({"pageSize": 1, "orderBy": "email", "filter": {"query": "example"}});
    let token = list(stage, question.clone()).await["nextPageToken"].clone();
    let with = |field: &str, value: Value| {
        let mut request = question.clone();
        request["pageToken"] = token.clone();
        request[field] = value;
        request
    };
    assert_eq!(names(&list(stage, with("pageSize", json!(2))).await), "bob carol");
    for other in [
        with("orderBy", json!("email desc")),
        with("orderBy", json!("username")),
        with("orderBy", json!("")),
        with("filter", json!({"query": "exampl"})),
        with("filter", json!({})),
        with("filter", json!({"query": "example", "statuses": ["USER_STATUS_ACTIVE"]})),
    ] {
        let refused = stage.refused("ListUsers", other.clone()).await;
        assert_eq!(refused, "invalid_argument BAD_PAGE_TOKEN page_token", "{other}");
    }
    let newest = stage.ok("ListUsers", json!({"pageSize": 1})).await["nextPageToken"].clone();
    let refused = stage.refused("ListUsers", with("pageToken", newest)).await;
    assert_eq!(refused, "invalid_argument BAD_PAGE_TOKEN page_token");
}

async fn a_list_is_as_new_as_the_caller_wants_it(stage: &Stage) {
    for n in 0..20 {
        let created = json!({"email": format!("user{n}@example.org"), "username": format!("user{n}"), "password": "correct horse"});
        let created = stage.ok("CreateUser", created).await;
        let request = json!({"filter": {"query": format!("user{n}@")}, "minPosition": created["position"]});
        let page = stage.ok("ListUsers", request).await;
        assert_eq!(page["users"], json!([created["user"]]), "she was created just now");
    }
}

async fn a_position_that_the_log_has_not_reached_is_out_of_range_at_once(stage: &Stage) {
    stage.create("alice").await;
    for request in [json!({}), json!({"filter": {"query": "alice"}}), json!({"orderBy": "email"})] {
        for position in ["2", "18446744073709551615"] {
            let mut request = request.clone();
            request["minPosition"] = json!(position);
            assert_eq!(stage.refused("ListUsers", request).await, "out_of_range POSITION_NOT_REACHED");
        }
    }
}

async fn whoever_cannot_wait_is_told_how_far_the_view_is(stage: &Stage) {
    stage.create("alice").await;
    assert_eq!(found(stage, "alice").await, "alice");
    stage.service.stop_projecting().await;
    stage.create("bob").await;
    let request = json!({"filter": {"query": "alice"}, "minPosition": "2"});
    let answer = stage.service.post_within("ListUsers", &request, Duration::from_secs(2)).await;
    assert_eq!(crate::stage::refusal_of(&answer.body), "deadline_exceeded PROJECTION_BEHIND");
    let details = &answer.body["details"][0]["debug"]["metadata"];
    assert_eq!(*details, json!({"projection": "user_search", "position": "1"}));
    let before = stage.ok("ListUsers", json!({"filter": {"query": "example"}, "minPosition": "1"})).await;
    assert_eq!((names(&before).as_str(), &before["position"]), ("alice", &json!("1")));
    let lean = stage.ok("ListUsers", json!({"minPosition": "2"})).await;
    assert_eq!(names(&lean), "bob alice", "the read model's own row never waits");
}
