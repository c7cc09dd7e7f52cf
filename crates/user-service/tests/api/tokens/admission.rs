//! The gate: who is let in, with what, and how far.

use serde_json::json;
use tokio::task::JoinSet;
use user_api::Rpc;
use user_domain::{Scope, TokenName};
use user_service::Sources;
use user_service::access::{BearerToken, NewToken, scope_of};

use super::{call, guarded, new_user, token};
use crate::stage::{PASSWORD, Place, Service, get, on_both_places, post, post_with, refusal_of, seeded};

on_both_places!(
    who_shows_no_token_gets_nowhere,
    what_is_no_token_is_refused,
    a_token_is_for_what_it_says,
    the_past_and_the_domains_are_for_auditors,
    who_may_not_read_is_told_only_that_it_was_done,
    a_revoked_token_is_refused_at_once,
    a_token_ends_when_it_was_to,
    who_cannot_be_looked_up_is_not_let_in,
    where_tokens_are_not_wanted_they_count_all_the_same,
);

async fn who_shows_no_token_gets_nowhere(place: &Place) {
    let service = guarded(place).await;
    for rpc in Rpc::ALL {
        let answer = post(service.address, rpc.name(), "this is not even looked at").await;
        let told = refusal_of(&answer.body);
        assert_eq!((answer.status, &*told), (401, "unauthenticated MISSING_TOKEN"), "{}", rpc.name());
    }
    for path in ["/openapi.json", "/user.v1/events", "/", "/nothing"] {
        let (head, body) = get(service.address, path).await;
        assert!(
            head.starts_with("HTTP/1.0 401") && head.contains("www-authenticate: Bearer"),
            "{path}: {head}"
        );
        assert!(body.contains("MISSING_TOKEN"), "{path}: {body}");
    }
    let reflection = "../grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
    assert_eq!(post(service.address, reflection, "{}").await.status, 401);
    let (head, _) =
        get(service.address, "/grpc.health.v1.Health/Check?connect=v1&encoding=json&message=%7B%7D").await;
    assert!(!head.contains(" 401 "), "health is for everybody: {head}");
    service.stop().await;
}

async fn what_is_no_token_is_refused(place: &Place) {
    let service = guarded(place).await;
    let (id, good) = token(&service, "billing", &Scope::ALL).await;
    let other = token(&service, "other", &Scope::ALL).await.1;
    let secret_of_another = good[..good.len() - 43].to_owned() + &other[other.len() - 43..];
    let unknown = good.replace(&id.replace('-', "")[..8], "01234567");
    let long = "x".repeat(4000);
    for shown in [
        "",
        "Bearer",
        "Basic dXNlcjpwYXNz",
        &good[..good.len() - 1],
        &good.replace("Bearer ", ""),
        &good.replace("Bearer ", "Bearer  "),
        &format!("{good}, {good}"),
        &secret_of_another,
        &unknown,
        &long,
    ] {
        let answer = call(&service, shown, "ListUsers", &json!({})).await;
        assert_eq!(refusal_of(&answer.body), "unauthenticated INVALID_TOKEN", "{shown}");
    }
    let twice = [("authorization", &*good), ("authorization", &*good)];
    let answer = post_with(service.address, "ListUsers", &twice, "{}").await;
    assert_eq!(refusal_of(&answer.body), "unauthenticated INVALID_TOKEN");
    assert_eq!(call(&service, &good, "ListUsers", &json!({})).await.status, 200);
    service.stop().await;
}

async fn a_token_is_for_what_it_says(place: &Place) {
    let service = guarded(place).await;
    for scope in Scope::ALL {
        let shown = token(&service, "one", &[scope]).await.1;
        for rpc in Rpc::ALL.iter().filter(|rpc| scope_of(**rpc) != scope) {
            let answer = call(&service, &shown, rpc.name(), &json!({})).await;
            assert_eq!(
                refusal_of(&answer.body),
                "permission_denied SCOPE_MISSING",
                "{scope:?} {}",
                rpc.name()
            );
            let metadata = &answer.body["details"][0]["debug"]["metadata"];
            assert_eq!(*metadata, json!({"scope": scope_of(*rpc).as_str(), "method": rpc.name()}));
        }
    }
    let all = token(&service, "all", &Scope::ALL).await.1;
    for rpc in Rpc::ALL {
        // Streams are not answered to what asks for one message; calls are refused for what is missing in them.
        let answer =
            post_with(service.address, rpc.name(), &[("authorization", &all)], "{\"nothing\": 1}").await;
        assert!(![401, 403].contains(&answer.status), "{}: {}", rpc.name(), answer.body);
    }
    service.stop().await;
}

async fn the_past_and_the_domains_are_for_auditors(place: &Place) {
    let service = guarded(place).await;
    let writer = token(&service, "writer", &[Scope::Read, Scope::Write]).await.1;
    let auditor = token(&service, "auditor", &[Scope::Read, Scope::Audit]).await.1;
    let alice = call(&service, &writer, "CreateUser", &new_user("alice")).await.body;
    let (id, position) = (&alice["user"]["id"], &alice["position"]);
    for (method, request) in [
        ("GetUser", json!({"id": id, "asOf": {"position": position}})),
        ("GetUser", json!({"id": id, "version": "1"})),
        ("ListUsers", json!({"asOf": {"position": position}})),
        ("ListUsers", json!({"asOf": {"position": position}, "filter": {"username": "alice"}})),
    ] {
        let answer = call(&service, &writer, method, &request).await;
        assert_eq!(refusal_of(&answer.body), "permission_denied SCOPE_MISSING", "{method} {request}");
        let answer = call(&service, &auditor, method, &request).await;
        assert_eq!(answer.status, 200, "{method} {request}: {}", answer.body);
    }
    let activity = json!({"minPosition": position});
    let (told, told_all) = (
        call(&service, &writer, "GetActivity", &activity).await.body,
        call(&service, &auditor, "GetActivity", &activity).await.body,
    );
    assert_eq!(told_all["domains"], json!([{"domain": "example.org", "users": "1"}]));
    assert!(told["domains"].is_null() && told["users"] == told_all["users"], "{told}");
    service.stop().await;
}

async fn who_may_not_read_is_told_only_that_it_was_done(place: &Place) {
    let service = guarded(place).await;
    let shown = token(&service, "writer", &[Scope::Write]).await.1;
    let request = json!({
        "email": "alice@example.org", "username": "alice", "password": PASSWORD,
        "firstName": "Alice", "avatarUrl": "https://example.org/alice.png",
    });
    let created = call(&service, &shown, "CreateUser", &request).await.body["user"].clone();
    let id = created["id"].as_str().expect("she has one").to_owned();
    for user in [
        created,
        call(&service, &shown, "UpdateUser", &json!({"id": id, "lastName": "Liddell"})).await.body["user"]
            .clone(),
        call(&service, &shown, "DeleteUser", &json!({"id": id})).await.body["user"].clone(),
    ] {
        let fields: Vec<_> = user.as_object().expect("she is shown").keys().map(String::as_str).collect();
        let personal = ["email", "username", "firstName", "lastName", "avatarUrl"];
        assert!(fields.iter().all(|field| !personal.contains(field)), "{user}");
        assert!(["id", "status", "createdAt", "etag"].iter().all(|field| fields.contains(field)), "{user}");
    }
    service.stop().await;
}

async fn a_revoked_token_is_refused_at_once(place: &Place) {
    let service = guarded(place).await;
    let (id, shown) = token(&service, "billing", &[Scope::Read]).await;
    let other = token(&service, "other", &[Scope::Read]).await.1;
    for _ in 0..2 {
        assert_eq!(call(&service, &shown, "ListUsers", &json!({})).await.status, 200);
    }
    service.tokens.revoke(id.parse().expect("it is one")).await.expect("it is there");
    let answer = call(&service, &shown, "ListUsers", &json!({})).await;
    assert_eq!(refusal_of(&answer.body), "unauthenticated INVALID_TOKEN");
    assert_eq!(call(&service, &other, "ListUsers", &json!({})).await.status, 200);
    let left: Vec<_> =
        service.tokens.list().await.expect("it can be read").into_iter().map(|one| one.name).collect();
    assert_eq!(left, [TokenName::from_stored("other")]);
    assert_eq!(place.rows("SELECT name FROM api_token").await, [["other"]], "not even its hash is left");
    service.stop().await;
}

async fn a_token_ends_when_it_was_to(place: &Place) {
    let service = guarded(place).await;
    let name = TokenName::from_stored("short");
    let new =
        NewToken { name, scopes: Scope::ALL.into_iter().collect(), expires_at: Some(service.tokens.now()) };
    let token = service.tokens.create(new).await.expect("the service does not judge what is asked for");
    let answer = call(&service, &format!("Bearer {}", *token.reveal()), "ListUsers", &json!({})).await;
    assert_eq!(refusal_of(&answer.body), "unauthenticated TOKEN_EXPIRED");
    service.stop().await;
}

async fn who_cannot_be_looked_up_is_not_let_in(place: &Place) {
    let service = guarded(place).await;
    let shown = token(&service, "billing", &Scope::ALL).await.1;
    service.directory.store().close().await;
    let answer = call(&service, &shown, "ListUsers", &json!({})).await;
    assert_eq!(refusal_of(&answer.body), "unavailable STORE_DOWN");
    let answer = call(&service, "", "ListUsers", &json!({})).await;
    assert_eq!(refusal_of(&answer.body), "unauthenticated INVALID_TOKEN");
    service.stop().await;
}

async fn where_tokens_are_not_wanted_they_count_all_the_same(place: &Place) {
    let service = Service::start(place, seeded(1)).await;
    let reader = token(&service, "reader", &[Scope::Read]).await.1;
    service.ok("CreateUser", new_user("alice")).await;
    let answer = call(&service, &reader, "CreateUser", &new_user("bob")).await;
    assert_eq!(refusal_of(&answer.body), "permission_denied SCOPE_MISSING");
    let answer = call(&service, "Bearer ust_nothing", "ListUsers", &json!({})).await;
    assert_eq!(refusal_of(&answer.body), "unauthenticated INVALID_TOKEN");
    service.stop().await;
}

/// Tokens that are made up are looked up two at a time, some wait for that, and all others are sent away at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_made_up_tokens_few_wait_and_reads_go_on() {
    let place = Place::postgres().await;
    let service = Service::start(&place, seeded(1)).await;
    let Place::Postgres(database) = &place else { unreachable!("it was made so") };
    let owner = database.owner().await;
    owner.batch_execute("BEGIN; LOCK TABLE api_token IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let mut flood = JoinSet::new();
    for _ in 0..100 {
        let (address, made_up) = (service.address, BearerToken::generate(&Sources::system()));
        flood.spawn(async move {
            let shown = format!("Bearer {}", *made_up.reveal());
            let answer = post_with(address, "ListUsers", &[("authorization", &shown)], "{}").await;
            refusal_of(&answer.body)
        });
    }
    let told = flood.join_all().await;
    let turned_away = told.iter().filter(|told| *told == "resource_exhausted OVERLOADED").count();
    assert!(turned_away > 0, "{told:?}");
    assert_eq!(told.iter().filter(|told| *told == "unavailable STORE_DOWN").count(), 100 - turned_away);
    assert!(service.ok("ListUsers", json!({})).await.is_object(), "nobody's reads wait for them");
    owner.batch_execute("COMMIT").await.unwrap();
    service.stop().await;
}
