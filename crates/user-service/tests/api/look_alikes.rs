//! Names that look alike where somebody accepts them: each has one owner still, and the log says who goes without which claim.

use futures_util::future::join_all;
use insta::{allow_duplicates, assert_snapshot};
use serde_json::{Value, json};
use user_api::v1;
use user_api::v1::import_users_request::Part;
use user_service::doctor::examine;

use crate::stage::{PASSWORD, Place, Service, on_both_places, seeded};
use crate::transfer::{IMPORT, of, row, send, settings, told};

on_both_places!(
    what_is_accepted_stays_sound_through_every_change,
    look_alikes_that_come_at_once_are_all_taken,
    an_import_may_bring_look_alikes_where_nobody_else_may,
);

const CONFUSABLE: &str = "already_exists USERNAME_CONFUSABLE username";

fn named(username: &str) -> Value {
    json!({"email": format!("{username}@example.org"), "username": username, "password": PASSWORD})
}

async fn create(service: &Service, username: &str) -> String {
    let answer = service.ok("CreateUser", named(username)).await;
    answer["user"]["id"].as_str().expect("an id is text").to_owned()
}

async fn rename(service: &Service, id: &str, username: &str) {
    service.ok("UpdateUser", json!({"id": id, "username": username})).await;
}

/// Nothing is wrong with it, and that many claims are held.
async fn is_sound(service: &Service, claims: usize) {
    assert_eq!(examine(&service.directory).await.unwrap().findings, []);
    assert_eq!(service.directory.store().claims(None, 100).await.unwrap().len(), claims);
}

async fn what_is_accepted_stays_sound_through_every_change(place: &Place) {
    let refusing = Service::start(place, seeded(1)).await;
    let (mario, alice) = (create(&refusing, "mario").await, create(&refusing, "alice").await);
    assert_eq!(refusing.refused("CreateUser", named("marlo")).await, CONFUSABLE);
    refusing.stop().await;

    let accepting = Service::start_accepting_look_alikes(place, seeded(2)).await;
    let other = create(&accepting, "marlo").await;
    rename(&accepting, &alice, "rnario").await;
    is_sound(&accepting, 7).await;
    let mut again = named("MARLO");
    again["email"] = json!("another@example.org");
    assert_eq!(accepting.refused("CreateUser", again).await, "already_exists USERNAME_TAKEN username");
    assert_eq!(
        accepting.refused("CreateUser", named("adm1n")).await,
        "invalid_argument USERNAME_RESERVED username"
    );
    accepting.stop().await;

    let refusing = Service::start(place, seeded(3)).await;
    assert_eq!(refusing.refused("CreateUser", named("mar1o")).await, CONFUSABLE);
    create(&refusing, "a1ice").await;
    for name in ["MARLO", "bob"] {
        rename(&refusing, &other, name).await;
    }
    is_sound(&refusing, 11).await;
    assert_eq!(refusing.refused("CreateUser", named("b0b")).await, CONFUSABLE, "she has a claim again");
    for call in ["DeleteUser", "EraseUser"] {
        refusing.ok(call, json!({"id": alice})).await;
    }
    assert_eq!(refusing.refused("CreateUser", named("mar1o")).await, CONFUSABLE, "that claim was another's");
    rename(&refusing, &mario, "luigi").await;
    create(&refusing, "mar1o").await;
    is_sound(&refusing, 12).await;
    refusing.stop().await;
}

async fn look_alikes_that_come_at_once_are_all_taken(place: &Place) {
    let accepting = Service::start_accepting_look_alikes(place, seeded(1)).await;
    let names = ["alll", "all1", "al1l", "al11", "a1ll", "a1l1", "a11l", "a111"];
    join_all(names.map(|name| create(&accepting, name))).await;
    is_sound(&accepting, 2 * names.len() + 1).await;
    accepting.stop().await;
}

async fn an_import_may_bring_look_alikes_where_nobody_else_may(place: &Place) {
    let service = Service::start(place, seeded(1)).await;
    let rows = || {
        let reserved = v1::ImportRow { username: "supp0rt".to_owned(), ..row(5, "help") };
        let twice = v1::ImportRow { username: "COM".to_owned(), ..row(4, "dot") };
        vec![row(1, "corn"), row(2, "com"), row(3, "c0rn"), twice, reserved]
    };
    let refused = send(&service, of(settings(IMPORT), rows())).await.unwrap();
    assert_eq!((refused.created, refused.refused), (1, 4));
    let with = |validate_only| {
        let mut first = settings(IMPORT);
        if let Some(Part::Settings(settings)) = &mut first.part {
            settings.accept_look_alikes = true;
            settings.validate_only = validate_only;
        }
        first
    };
    let rehearsed = send(&service, of(with(true), rows())).await.unwrap();
    allow_duplicates! {
        assert_snapshot!(told(&rehearsed), @"
        1 ALREADY_IMPORTED
        2 VALID
        3 VALID
        4 REFUSED USERNAME_TAKEN username
        5 REFUSED USERNAME_RESERVED username
        ");
    }
    let imported = send(&service, of(with(false), rows())).await.unwrap();
    allow_duplicates! {
        assert_snapshot!(told(&imported), @"
        1 ALREADY_IMPORTED
        2 CREATED
        3 CREATED
        4 REFUSED USERNAME_TAKEN username
        5 REFUSED USERNAME_RESERVED username
        ");
    }
    is_sound(&service, 7).await;
    assert_eq!(service.refused("CreateUser", named("c0m")).await, CONFUSABLE);
    service.stop().await;
}
