//! Passwords: changed by who knows the old one, set by who may, verified without telling who exists.

use serde_json::{Value, json};

use crate::stage::{PASSWORD, Stage, User, on_both_stores, refusal_of};

on_both_stores!(
    a_password_is_right_by_whatever_names_the_user,
    whoever_is_not_active_is_answered_alike,
    a_password_is_changed_by_who_knows_the_old_one,
    a_password_is_set_without_the_old_one,
    a_hash_is_imported_and_verified,
    what_is_no_hash_is_not_imported,
    an_imported_hash_is_made_stronger_at_login_without_an_event,
    what_is_guessed_first_is_no_new_password,
);

/// The cheapest there is.
const BCRYPT_COST: u32 = 4;

async fn is_right(stage: &Stage, user: &User, password: &str) -> bool {
    let answer = stage.ok("VerifyPassword", json!({"id": user.id(), "password": password})).await;
    let id = if answer["valid"] == json!(true) { json!(user.id()) } else { Value::Null };
    assert_eq!(answer["userId"], id);
    answer["valid"] == json!(true)
}

async fn a_password_is_right_by_whatever_names_the_user(stage: &Stage) {
    let alice = stage.create("alice").await;
    for by in [
        json!({"id": alice.id(), "password": PASSWORD}),
        json!({"email": "ALICE@example.org", "password": PASSWORD}),
        json!({"username": "Alice", "password": PASSWORD}),
    ] {
        let answer = stage.ok("VerifyPassword", by).await;
        assert_eq!(answer, json!({"valid": true, "userId": alice.id()}));
    }
    assert_eq!(stage.head().await, 1);
}

async fn whoever_is_not_active_is_answered_alike(stage: &Stage) {
    let mut asked = vec![json!({"username": "nobody"}), json!({"email": "nobody@example.org"})];
    asked.push(json!({"id": "01890000-0000-7000-8000-000000000000"}));
    for (name, calls) in [
        ("inactive", &["DeactivateUser"][..]),
        ("suspended", &["SuspendUser"]),
        ("deleted", &["DeleteUser"]),
        ("erased", &["DeleteUser", "EraseUser"]),
    ] {
        let user = stage.create(name).await;
        for call in calls {
            stage.change(call, &user).await;
        }
        asked.push(json!({"id": user.id()}));
        asked.push(json!({"username": name}));
    }
    for mut request in asked {
        request["password"] = json!(PASSWORD);
        assert_eq!(stage.ok("VerifyPassword", request.clone()).await, json!({}), "{request}");
    }
    let alice = stage.create("alice").await;
    assert!(!is_right(stage, &alice, "wrong horse").await);
    assert!(!is_right(stage, &alice, &PASSWORD.to_uppercase()).await);
}

async fn a_password_is_changed_by_who_knows_the_old_one(stage: &Stage) {
    let alice = stage.create("alice").await;
    let change = |old: &str, new: &str| json!({"id": alice.id(), "oldPassword": old, "newPassword": new});
    assert_eq!(
        stage.refused("ChangePassword", change("wrong horse", "another horse")).await,
        "permission_denied WRONG_PASSWORD old_password"
    );
    assert!(is_right(stage, &alice, PASSWORD).await);
    stage.ok("ChangePassword", change(PASSWORD, "another horse")).await;
    assert!(is_right(stage, &alice, "another horse").await);
    assert!(!is_right(stage, &alice, PASSWORD).await);
    stage.ok("ChangePassword", change("another horse", "another horse")).await;
    assert_eq!(stage.head().await, 3, "the same password again is a change: its hash is another");
    stage.change("DeactivateUser", &alice).await;
    for old in ["another horse", "wrong horse"] {
        let refusal = stage.refused("ChangePassword", change(old, PASSWORD)).await;
        assert_eq!(refusal, "failed_precondition USER_NOT_ACTIVE", "whatever the password: {old}");
    }
}

async fn a_password_is_set_without_the_old_one(stage: &Stage) {
    let alice = stage.create("alice").await;
    stage.change("SuspendUser", &alice).await;
    stage.ok("SetPassword", json!({"id": alice.id(), "password": "another horse"})).await;
    stage.change("ReinstateUser", &alice).await;
    assert!(is_right(stage, &alice, "another horse").await);
    assert!(!is_right(stage, &alice, PASSWORD).await);
}

async fn a_hash_is_imported_and_verified(stage: &Stage) {
    let alice = stage.create("alice").await;
    let bcrypt = bcrypt::hash("bcrypt horse", BCRYPT_COST).unwrap();
    stage.ok("SetPassword", json!({"id": alice.id(), "passwordHash": bcrypt})).await;
    assert!(!is_right(stage, &alice, PASSWORD).await);
    assert!(is_right(stage, &alice, "bcrypt horse").await);
    let bob = stage.create("bob").await;
    let of_bob = stored_hash(stage, &bob).await;
    stage.ok("SetPassword", json!({"id": alice.id(), "passwordHash": of_bob})).await;
    assert!(is_right(stage, &alice, PASSWORD).await, "an argon2id hash of another system");
    let events = stage.ok("ListUserEvents", json!({"id": alice.id()})).await;
    let told: Vec<_> = (1..3).map(|n| events["events"][n]["changes"][0]["to"].as_str().unwrap()).collect();
    assert_eq!(told, ["2 bcrypt", "3 argon2id"]);
}

async fn what_is_no_hash_is_not_imported(stage: &Stage) {
    let alice = stage.create("alice").await;
    let good = stored_hash(stage, &alice).await;
    for (hash, reason) in [
        ("hunter2hunter2", "UNKNOWN_ALGORITHM"),
        ("", "UNKNOWN_ALGORITHM"),
        ("$argon2id$v=19$m=19456,t=2,p=1$AAAA$AAAA", "MALFORMED_HASH"),
        (&good.replace("m=19456", "m=4194304"), "HASH_COST"),
        ("$2b$31$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy", "HASH_COST"),
    ] {
        let request = json!({"id": alice.id(), "passwordHash": hash});
        let refusal = format!("invalid_argument {reason} password_hash");
        assert_eq!(stage.refused("SetPassword", request).await, refusal, "{hash}");
    }
    assert!(is_right(stage, &alice, PASSWORD).await);
    assert_eq!(stage.head().await, 1);
}

async fn an_imported_hash_is_made_stronger_at_login_without_an_event(stage: &Stage) {
    let alice = stage.create("alice").await;
    let bcrypt = bcrypt::hash("bcrypt horse", BCRYPT_COST).unwrap();
    stage.ok("SetPassword", json!({"id": alice.id(), "passwordHash": bcrypt})).await;
    assert!(!is_right(stage, &alice, "wrong horse").await);
    assert_eq!(stored_hash(stage, &alice).await, bcrypt, "a wrong password changes nothing");
    assert!(is_right(stage, &alice, "bcrypt horse").await);
    while stored_hash(stage, &alice).await == bcrypt {
        tokio::task::yield_now().await; // the login has been answered before
    }
    assert!(stored_hash(stage, &alice).await.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
    assert!(is_right(stage, &alice, "bcrypt horse").await);
    assert_eq!(stage.head().await, 2);
    let version = stage.place.rows("SELECT credential_version FROM user_secret").await;
    assert_eq!(version, [["2"]]);
}

async fn what_is_guessed_first_is_no_new_password(stage: &Stage) {
    let alice = json!({"email": "alice.liddell@wonderland.example", "username": "whiterabbit",
        "firstName": "Alice", "lastName": "Liddell"});
    let guesses = [
        ("Password1", "PASSWORD_TOO_COMMON"),
        ("ALICE.LIDDELL1", "PASSWORD_CONTAINS_EMAIL"),
        ("Wonderland7!", "PASSWORD_CONTAINS_EMAIL"),
        ("WhiteRabbit99", "PASSWORD_CONTAINS_USERNAME"),
        ("liddellalice", "PASSWORD_CONTAINS_NAME"),
        ("user-service", "PASSWORD_CONTAINS_SERVICE_NAME"),
    ];
    let with = |password: &str| {
        let mut request = alice.clone();
        request["password"] = json!(password);
        request
    };
    for (password, reason) in guesses {
        let answer = stage.service.post("CreateUser", &with(password)).await;
        assert_eq!(refusal_of(&answer.body), format!("invalid_argument {reason} password"), "{password}");
        assert!(
            !answer.body.to_string().to_lowercase().contains(&password.to_lowercase()),
            "{}",
            answer.body
        );
    }
    let alice = User(stage.ok("CreateUser", with(PASSWORD)).await["user"].clone());
    for (password, reason) in guesses {
        let set = json!({"id": alice.id(), "password": password});
        assert_eq!(stage.refused("SetPassword", set).await, format!("invalid_argument {reason} password"));
        let change = |old: &str| json!({"id": alice.id(), "oldPassword": old, "newPassword": password});
        let refusal = format!("invalid_argument {reason} new_password");
        assert_eq!(stage.refused("ChangePassword", change(PASSWORD)).await, refusal);
    }
    let whose = json!({"id": alice.id(), "oldPassword": "wrong horse", "newPassword": "wonderland1"});
    assert_eq!(
        stage.refused("ChangePassword", whose).await,
        "permission_denied WRONG_PASSWORD old_password",
        "who does not know the old one is not told what she is called"
    );
    assert_eq!(stage.head().await, 1);
}

async fn stored_hash(stage: &Stage, user: &User) -> String {
    let id = user.id().replace('-', "");
    let rows = stage.place.rows("SELECT user_id, hash FROM user_secret").await;
    let row = rows.into_iter().find(|row| row[0].replace(['-', '\\', 'x'], "") == id);
    row.expect("she lives")[1].clone()
}
