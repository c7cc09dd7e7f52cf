//! Usernames: what may be one, and that no two of them look alike.

use serde_json::{Value, json};
use user_domain::Username;
use user_service::doctor::examine;

use crate::stage::{PASSWORD, Place, Stage, User, on_both_stores};

on_both_stores!(
    a_name_that_looks_like_anothers_is_refused_without_saying_whose,
    a_look_alike_is_free_when_its_owner_is_gone,
    a_reserved_name_is_refused_in_every_disguise,
    a_name_is_found_in_any_width_and_case,
    who_holds_no_claim_of_what_she_looks_like_can_be_renamed_and_erased,
);

fn named(username: &str, n: u32) -> Value {
    json!({"email": format!("user{n}@example.org"), "username": username, "password": PASSWORD})
}

const CONFUSABLE: &str = "already_exists USERNAME_CONFUSABLE username";

async fn a_name_that_looks_like_anothers_is_refused_without_saying_whose(stage: &Stage) {
    stage.create("PayPal").await;
    let bob = stage.create("bob").await;
    for (n, name) in ["раураl", "PayPaI", "paypa1", "ＰａｙＰａ１"].into_iter().enumerate() {
        let answer = stage.service.post("CreateUser", &named(name, u32::try_from(n).unwrap())).await;
        assert_ne!(answer.status, 200, "{name}");
        assert!(!answer.body.to_string().to_lowercase().contains("paypal@"), "{}", answer.body);
        assert!(!answer.body.to_string().contains("PayPal"), "{}", answer.body);
        let rename = json!({"id": bob.id(), "username": name});
        assert_eq!(stage.refused("UpdateUser", rename).await, CONFUSABLE, "{name}");
    }
    let taken = named("PAYPAL", 9);
    assert_eq!(stage.refused("CreateUser", taken).await, "already_exists USERNAME_TAKEN username");
    assert_eq!(stage.head().await, 2);
}

async fn a_look_alike_is_free_when_its_owner_is_gone(stage: &Stage) {
    let alice = stage.create("alice").await;
    assert_eq!(stage.refused("CreateUser", named("a1ice", 1)).await, CONFUSABLE);
    stage.change("DeleteUser", &alice).await;
    assert_eq!(stage.refused("CreateUser", named("a1ice", 1)).await, CONFUSABLE, "hers until she is erased");
    stage.change("EraseUser", &alice).await;
    let other = User(stage.ok("CreateUser", named("a1ice", 1)).await["user"].clone());
    stage.ok("UpdateUser", json!({"id": other.id(), "username": "bob"})).await;
    stage.ok("CreateUser", named("Alice", 2)).await;
    assert_eq!(examine(&stage.service.directory).await.unwrap().findings, []);
}

async fn a_reserved_name_is_refused_in_every_disguise(stage: &Stage) {
    let bob = stage.create("bob").await;
    for name in ["admin", "\u{430}dmin", "ADM1N", "Support", "r00t"] {
        let refusal = "invalid_argument USERNAME_RESERVED username";
        assert_eq!(stage.refused("CreateUser", named(name, 1)).await, refusal, "{name}");
        let rename = json!({"id": bob.id(), "username": name});
        assert_eq!(stage.refused("UpdateUser", rename).await, refusal, "{name}");
    }
    for name in ["alice😀", "alice\u{2014}", "ﬁona"] {
        let refusal = "invalid_argument NOT_AN_IDENTIFIER username";
        assert_eq!(stage.refused("CreateUser", named(name, 1)).await, refusal, "{name}");
    }
}

async fn a_name_is_found_in_any_width_and_case(stage: &Stage) {
    let alice = User(stage.ok("CreateUser", named("Ａｌｉｃｅ", 1)).await["user"].clone());
    assert_eq!(alice.text("username"), "Alice");
    for name in ["alice", "ＡＬＩＣＥ", "ALICE"] {
        let found = stage.ok("GetUser", json!({"username": name})).await["user"].clone();
        assert_eq!(found, alice.0, "{name}");
    }
    let sought = json!({"username": "alice😀"});
    assert_eq!(stage.refused("GetUser", sought).await, "not_found USER_NOT_FOUND", "of before the rules");
}

/// Users of before that scope are like this: their events say nothing of it, and nobody has taken the claim for them.
async fn who_holds_no_claim_of_what_she_looks_like_can_be_renamed_and_erased(stage: &Stage) {
    let (alice, bob) = (stage.create("alice").await, stage.create("bobby").await);
    for name in ["alice", "bobby"] {
        let claim = Username::parse(name).unwrap().look_alike_claim();
        let key = stage.service.directory.root().claim_key(&claim).0.to_string();
        let key = match &stage.place {
            Place::Sqlite(_) => format!("X'{}'", key.replace('-', "")),
            Place::Postgres(_) => format!("'{key}'::uuid"),
        };
        stage.place.damage(&format!("DELETE FROM claims WHERE key = {key}")).await;
    }
    let other = User(stage.ok("CreateUser", named("a1ice", 1)).await["user"].clone());
    stage.ok("UpdateUser", json!({"id": alice.id(), "email": "alice@example.com"})).await;
    stage.ok("UpdateUser", json!({"id": alice.id(), "username": "ALICE"})).await;
    for call in ["DeleteUser", "EraseUser"] {
        stage.change(call, &alice).await;
    }
    assert_eq!(stage.refused("CreateUser", named("al1ce", 2)).await, CONFUSABLE, "the other kept hers");
    stage.ok("UpdateUser", json!({"id": bob.id(), "username": "robert"})).await;
    assert_eq!(stage.refused("CreateUser", named("r0bert", 2)).await, CONFUSABLE, "renamed, she has one");
    stage.change("DeleteUser", &other).await;
    assert_eq!(examine(&stage.service.directory).await.unwrap().findings, []);
}
