//! Finding users: by what they are known by, in pages, and never in an older state than the caller has seen.

use serde_json::{Value, json};

use crate::stage::{Stage, User, on_both_stores};

on_both_stores!(
    a_user_is_found_by_id_and_in_any_case_by_email_and_username,
    who_is_not_there_is_not_found,
    many_are_found_by_their_ids_and_who_is_missing_is_named,
    what_was_written_is_read,
    who_reads_while_others_write_sees_no_older_state_than_before,
    who_has_been_erased_is_not_found_by_anybody_who_found_her_before,
    a_position_that_the_log_has_not_reached_is_out_of_range,
    users_are_listed_newest_first_page_by_page,
    a_list_keeps_to_its_statuses,
    a_page_is_never_larger_than_allowed,
    a_page_token_is_good_for_its_own_list_only,
);

async fn a_user_is_found_by_id_and_in_any_case_by_email_and_username(stage: &Stage) {
    let alice = stage.create("alice").await;
    stage.create("bob").await;
    for by in [
        json!({"id": alice.id()}),
        json!({"id": alice.id().to_uppercase()}),
        json!({"email": "alice@example.org"}),
        json!({"email": "ALICE@EXAMPLE.ORG"}),
        json!({"username": "alice"}),
        json!({"username": "aLiCe"}),
    ] {
        let found = stage.ok("GetUser", by.clone()).await;
        assert_eq!((&found["user"], &found["position"]), (&alice.0, &json!("1")), "{by}");
    }
}

async fn who_is_not_there_is_not_found(stage: &Stage) {
    for by in [
        json!({"id": "01890000-0000-7000-8000-000000000000"}),
        json!({"email": "alice@example.org"}),
        json!({"username": "alice"}),
    ] {
        assert_eq!(stage.refused("GetUser", by).await, "not_found USER_NOT_FOUND");
    }
}

async fn many_are_found_by_their_ids_and_who_is_missing_is_named(stage: &Stage) {
    let [alice, bob, carol, dave, eve] = five(stage).await;
    stage.change("DeleteUser", &dave).await;
    stage.change("DeleteUser", &eve).await;
    stage.change("EraseUser", &eve).await;
    let nobody = "01890000-0000-7000-8000-000000000000";
    let ids = [carol.id(), nobody, alice.id(), &bob.id().to_uppercase(), carol.id(), eve.id(), dave.id()];
    let batch = stage.ok("BatchGetUsers", json!({"ids": ids, "minPosition": "8"})).await;
    assert_eq!(names(&batch), ["carol", "alice", "bob", "dave"], "in the order of the ids, each once");
    assert_eq!(batch["users"][1], alice.0);
    assert_eq!(batch["missingIds"], json!([nobody, eve.id()]));
    assert_eq!(batch["position"], "8");
    let mut many = vec![nobody; 999];
    many.push(bob.id());
    assert_eq!(names(&stage.ok("BatchGetUsers", json!({"ids": many})).await), ["bob"]);
    let far: Vec<_> = (0..999).map(|n| format!("01890000-0000-7000-8000-{n:012}")).collect();
    let far = stage.ok("BatchGetUsers", json!({"ids": far})).await;
    assert_eq!(far["missingIds"].as_array().map(Vec::len), Some(999));
}

async fn who_reads_while_others_write_sees_no_older_state_than_before(stage: &Stage) {
    const CHANGES: u64 = 200;
    let user = stage.create("alice").await;
    let change = async |n: u64| {
        let changed = json!({"id": user.id(), "firstName": n.to_string()});
        stage.ok("UpdateUser", changed).await;
        assert_eq!(stage.get(&user).await.text("firstName"), n.to_string(), "whoever was told reads it");
    };
    let write = async {
        for n in 1..=CHANGES {
            change(n).await;
        }
    };
    let read = async || {
        let mut seen = 0;
        while seen < CHANGES {
            let name = stage.get(&user).await.0["firstName"].as_str().map_or(0, |name| name.parse().unwrap());
            assert!(seen <= name, "{name} after {seen}");
            seen = name;
        }
    };
    tokio::join!(write, read(), read(), read(), read());
}

async fn who_has_been_erased_is_not_found_by_anybody_who_found_her_before(stage: &Stage) {
    let user = stage.create("alice").await;
    stage.get(&user).await;
    stage.change("DeleteUser", &user).await;
    assert_eq!(stage.get(&user).await.status(), "DELETED");
    stage.change("EraseUser", &user).await;
    assert_eq!(stage.refused("GetUser", json!({"id": user.id()})).await, "not_found USER_NOT_FOUND");
}

async fn what_was_written_is_read(stage: &Stage) {
    for n in 0..10 {
        let user = stage.create(&format!("user{n}")).await;
        let listed = stage.ok("ListUsers", json!({"pageSize": 1})).await;
        assert_eq!(listed["users"][0], user.0, "a list shows who was created just now");
        let changed = stage.ok("UpdateUser", json!({"id": user.id(), "firstName": n.to_string()})).await;
        let by = json!({"email": format!("user{n}@example.org"), "minPosition": changed["position"]});
        let found = stage.ok("GetUser", by).await;
        assert_eq!(found["user"], changed["user"]);
        assert_eq!(found["position"], changed["position"]);
    }
}

async fn a_position_that_the_log_has_not_reached_is_out_of_range(stage: &Stage) {
    let alice = stage.create("alice").await;
    let wanted = json!({"id": alice.id(), "minPosition": "2"});
    assert_eq!(stage.refused("GetUser", wanted).await, "out_of_range POSITION_NOT_REACHED min_position");
    let largest = json!({"id": alice.id(), "minPosition": u64::MAX.to_string()});
    assert_eq!(stage.refused("GetUser", largest).await, "out_of_range POSITION_NOT_REACHED min_position");
    stage.ok("GetUser", json!({"id": alice.id(), "minPosition": "1"})).await;
}

async fn users_are_listed_newest_first_page_by_page(stage: &Stage) {
    for name in ["alice", "bob", "carol", "dave", "eve"] {
        stage.create(name).await;
    }
    let mut request = json!({"pageSize": 2});
    let mut pages = Vec::new();
    loop {
        let page = stage.ok("ListUsers", request.clone()).await;
        assert_eq!(page["position"], "5");
        pages.push(names(&page).join(" "));
        request["pageToken"] = page["nextPageToken"].clone();
        if request["pageToken"].is_null() {
            break;
        }
    }
    assert_eq!(pages, ["eve dave", "carol bob", "alice"]);
}

async fn a_list_keeps_to_its_statuses(stage: &Stage) {
    let [_, bob, carol, dave, eve] = five(stage).await;
    stage.change("DeactivateUser", &bob).await;
    stage.change("SuspendUser", &carol).await;
    stage.change("DeleteUser", &dave).await;
    stage.change("DeleteUser", &eve).await;
    stage.change("EraseUser", &eve).await;
    let listed = async |statuses: &[&str]| {
        let statuses: Vec<_> = statuses.iter().map(|status| format!("USER_STATUS_{status}")).collect();
        names(&stage.ok("ListUsers", json!({"filter": {"statuses": statuses}})).await).join(" ")
    };
    assert_eq!(
        names(&stage.ok("ListUsers", json!({})).await),
        ["carol", "bob", "alice"],
        "the deleted are left out"
    );
    assert_eq!(listed(&[]).await, "carol bob alice");
    assert_eq!(listed(&["DELETED"]).await, "dave");
    assert_eq!(listed(&["SUSPENDED", "INACTIVE"]).await, "carol bob");
    assert_eq!(listed(&["ACTIVE", "ACTIVE", "DELETED"]).await, "dave alice");
    assert_eq!(listed(&["ACTIVE", "INACTIVE", "SUSPENDED", "DELETED"]).await, "dave carol bob alice");
}

async fn a_page_is_never_larger_than_allowed(stage: &Stage) {
    five(stage).await;
    for size in [0, 5, 201, i32::MAX] {
        let page = stage.ok("ListUsers", json!({"pageSize": size})).await;
        assert_eq!((names(&page).len(), &page["nextPageToken"]), (5, &Value::Null));
    }
}

async fn a_page_token_is_good_for_its_own_list_only(stage: &Stage) {
    let [alice, bob, ..] = five(stage).await;
    stage.change("DeactivateUser", &alice).await;
    let token = stage.ok("ListUsers", json!({"pageSize": 1})).await["nextPageToken"].clone();
    let token = token.as_str().expect("four more follow");
    let history = json!({"id": alice.id(), "pageSize": 1});
    let of_alice = stage.ok("ListUserEvents", history).await["nextPageToken"].clone();
    let of_alice = of_alice.as_str().expect("one more follows");
    let bad = "invalid_argument BAD_PAGE_TOKEN page_token";
    let flipped = format!("{}{}", &token[..token.len() - 2], if token.ends_with("AA") { "BA" } else { "AA" });
    for wrong in ["!", "AAAA", &token[1..], &token[..token.len() - 1], &flipped, of_alice, "été"] {
        assert_eq!(stage.refused("ListUsers", json!({"pageToken": wrong})).await, bad, "{wrong}");
    }
    let filter = json!({"statuses": ["USER_STATUS_ACTIVE"]});
    assert_eq!(stage.refused("ListUsers", json!({"pageToken": token, "filter": filter})).await, bad);
    for (id, wrong) in [(bob.id(), of_alice), (alice.id(), token), (alice.id(), "x")] {
        assert_eq!(stage.refused("ListUserEvents", json!({"id": id, "pageToken": wrong})).await, bad);
    }
    stage.ok("ListUsers", json!({"pageToken": token, "pageSize": 3})).await;
    stage.ok("ListUserEvents", json!({"id": alice.id(), "pageToken": of_alice})).await;
}

async fn five(stage: &Stage) -> [User; 5] {
    let mut users = Vec::new();
    for name in ["alice", "bob", "carol", "dave", "eve"] {
        users.push(stage.create(name).await);
    }
    users.try_into().expect("there are five")
}

fn names(page: &Value) -> Vec<&str> {
    let users = page["users"].as_array().map_or(&[][..], Vec::as_slice);
    users.iter().filter_map(|user| user["username"].as_str()).collect()
}
