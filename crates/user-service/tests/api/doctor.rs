//! The doctor: well on a healthy store, and for each kind of damage that finding and no other.

use serde_json::json;
use user_domain::Email;
use user_service::doctor::examine;

use crate::process::user_service;
use crate::stage::{MASTER_KEY, PASSWORD, Place, Stage, User, on_both_stores};

on_both_stores!(
    a_healthy_store_is_well,
    a_missing_position,
    a_missing_version,
    time_that_goes_backwards,
    an_event_of_an_unknown_type,
    a_sealed_part_that_was_changed,
    a_row_that_differs,
    a_missing_row,
    a_row_of_nobody,
    a_missing_secret,
    a_secret_of_nobody,
    a_secret_that_cannot_be_opened,
    a_credential_that_differs,
    a_missing_claim,
    a_claim_of_nobody,
    a_claim_that_two_live_with,
);

const NOBODY: &str = "01890000-0000-7000-8000-000000000000";

/// Alice is created, deactivated and activated; Bob is created and deleted, Carol erased. Bob's deletion is the last event.
async fn cast(stage: &Stage) -> [User; 2] {
    let carol = stage.create("carol").await;
    for call in ["DeleteUser", "EraseUser"] {
        stage.change(call, &carol).await;
    }
    let (alice, bob) = (stage.create("alice").await, stage.create("bob").await);
    for call in ["DeactivateUser", "ActivateUser"] {
        stage.change(call, &alice).await;
    }
    stage.change("DeleteUser", &bob).await;
    [alice, bob]
}

/// An id as the engine writes it.
fn sql(place: &Place, id: &str) -> String {
    match place {
        Place::Sqlite(_) => format!("X'{}'", id.replace('-', "")),
        Place::Postgres(_) => format!("'{id}'::uuid"),
    }
}

/// What the doctor finds, with names for ids. The command says the same, and ends with 3 if that is not nothing.
async fn findings(stage: &Stage, [alice, bob]: &[User; 2]) -> Vec<String> {
    let report = examine(&stage.service.directory).await.expect("it can be examined");
    let doctor = ["doctor", "--store", &stage.place.url()];
    let said = user_service(&doctor, &[("USER_SERVICE_MASTER_KEY", MASTER_KEY)]).await;
    assert_eq!(said.code, Some(if report.findings.is_empty() { 0 } else { 3 }), "{}", said.stderr);
    for finding in &report.findings {
        assert!(said.stdout.contains(&finding.to_string()), "{finding} is not in {}", said.stdout);
        assert!(said.stdout.contains(finding.repair()), "{}", said.stdout);
    }
    let named =
        |text: String| text.replace(alice.id(), "alice").replace(bob.id(), "bob").replace(NOBODY, "nobody");
    report.findings.iter().map(|finding| named(finding.to_string())).collect()
}

async fn a_healthy_store_is_well(stage: &Stage) {
    let cast = cast(stage).await;
    assert_eq!(findings(stage, &cast).await, [""; 0]);
    let report = examine(&stage.service.directory).await.unwrap();
    assert_eq!(report.to_string(), "8 events, 2 users, up to position 8: all is well");
}

async fn a_missing_position(stage: &Stage) {
    let cast = cast(stage).await;
    let shift = "UPDATE events SET position = 9 WHERE position = 8; \
        UPDATE user_read_model SET position = 9 WHERE position = 8;";
    stage.place.damage(shift).await;
    assert_eq!(findings(stage, &cast).await, ["position 8 is missing: the next event stands at 9"]);
}

async fn a_missing_version(stage: &Stage) {
    let cast = cast(stage).await;
    // Without its sealed part, which would not fit its new place: that is another finding.
    let shift = "UPDATE events SET version = 3, sealed = NULL WHERE position = 8; \
        UPDATE user_read_model SET version = 3 WHERE position = 8;";
    stage.place.damage(shift).await;
    assert_eq!(findings(stage, &cast).await, ["user bob: version 2 is missing: the next event is version 3"]);
}

async fn time_that_goes_backwards(stage: &Stage) {
    let cast = cast(stage).await;
    let second = match &stage.place {
        Place::Sqlite(_) => "1000000",
        Place::Postgres(_) => "interval '1 second'",
    };
    let back = format!("UPDATE events SET recorded_at = recorded_at - {second} WHERE position = 6;");
    stage.place.damage(&back).await;
    assert_eq!(findings(stage, &cast).await, ["position 6: recorded before the event in front of it"]);
}

async fn an_event_of_an_unknown_type(stage: &Stage) {
    let cast = cast(stage).await;
    stage
        .place
        .damage("UPDATE events SET event_type = 'user.teleported', sealed = NULL WHERE position = 6")
        .await;
    let finding = "position 6: the event type \"user.teleported\" is not known";
    assert_eq!(findings(stage, &cast).await, [finding]);
}

async fn a_sealed_part_that_was_changed(stage: &Stage) {
    let cast = cast(stage).await;
    let swap = "UPDATE events SET sealed = (SELECT sealed FROM events WHERE position = 5) WHERE position = 4";
    stage.place.damage(swap).await;
    let finding = "position 4: the sealed bytes do not fit the key and the place they stand in";
    assert_eq!(findings(stage, &cast).await, [finding]);
}

async fn a_row_that_differs(stage: &Stage) {
    let cast = cast(stage).await;
    stage.place.damage("UPDATE user_read_model SET username = 'mallory' WHERE username = 'alice'").await;
    assert_eq!(findings(stage, &cast).await, ["user alice: her row differs from her events in username"]);
}

async fn a_missing_row(stage: &Stage) {
    let cast = cast(stage).await;
    stage.place.damage("DELETE FROM user_read_model WHERE username = 'alice'").await;
    assert_eq!(findings(stage, &cast).await, ["user alice: she lives and has no row"]);
}

async fn a_row_of_nobody(stage: &Stage) {
    let cast = cast(stage).await;
    let nobody = sql(&stage.place, NOBODY);
    let copy = format!(
        "INSERT INTO user_read_model SELECT {nobody}, email, username, first_name, last_name, avatar_url, status, \
         standing, created_at, last_updated, deleted_at, version, position FROM user_read_model WHERE username = 'bob'"
    );
    stage.place.damage(&copy).await;
    assert_eq!(findings(stage, &cast).await, ["user nobody: there is a row of hers, and no live user"]);
}

async fn a_missing_secret(stage: &Stage) {
    let cast = cast(stage).await;
    let alice = sql(&stage.place, cast[0].id());
    stage.place.damage(&format!("DELETE FROM user_secret WHERE user_id = {alice}")).await;
    assert_eq!(findings(stage, &cast).await, ["user alice: she lives and has no key, or no credential"]);
}

async fn a_secret_of_nobody(stage: &Stage) {
    let cast = cast(stage).await;
    let (nobody, bob) = (sql(&stage.place, NOBODY), sql(&stage.place, cast[1].id()));
    let copy = format!(
        "INSERT INTO user_secret SELECT {nobody}, key_id, wrapped_key, credential_version, hash, changed_at \
         FROM user_secret WHERE user_id = {bob}"
    );
    stage.place.damage(&copy).await;
    assert_eq!(findings(stage, &cast).await, ["user nobody: there is a key of hers, and no live user"]);
}

async fn a_secret_that_cannot_be_opened(stage: &Stage) {
    let cast = cast(stage).await;
    let [alice, bob] = [&cast[0], &cast[1]].map(|user| sql(&stage.place, user.id()));
    let swap = format!(
        "UPDATE user_secret SET wrapped_key = (SELECT wrapped_key FROM user_secret WHERE user_id = {bob}) \
         WHERE user_id = {alice}"
    );
    stage.place.damage(&swap).await;
    assert_eq!(findings(stage, &cast).await, ["user alice: none of the given master keys opens her key"]);
}

async fn a_credential_that_differs(stage: &Stage) {
    let cast = cast(stage).await;
    let alice = sql(&stage.place, cast[0].id());
    stage
        .place
        .damage(&format!("UPDATE user_secret SET credential_version = 7 WHERE user_id = {alice}"))
        .await;
    assert_eq!(
        findings(stage, &cast).await,
        ["user alice: the vault has credential 7, her events speak of 1"]
    );
}

/// The key of an e-mail address's claim, as the engine writes it.
fn email_claim(stage: &Stage, email: &str) -> String {
    let claim = Email::parse(email).expect("it is an address").claim();
    sql(&stage.place, &stage.service.directory.root().claim_key(&claim).0.to_string())
}

async fn a_missing_claim(stage: &Stage) {
    let cast = cast(stage).await;
    let key = email_claim(stage, "alice@example.org");
    stage.place.damage(&format!("DELETE FROM claims WHERE key = {key}")).await;
    assert_eq!(findings(stage, &cast).await, ["user alice: she does not own the claim of her email.1"]);
}

async fn a_claim_of_nobody(stage: &Stage) {
    let cast = cast(stage).await;
    let (key, alice) = (email_claim(stage, "other@example.org"), sql(&stage.place, cast[0].id()));
    stage.place.damage(&format!("INSERT INTO claims (key, aggregate_id) VALUES ({key}, {alice})")).await;
    assert_eq!(
        findings(stage, &cast).await,
        ["user alice: she owns a claim that her events do not speak of"]
    );
}

async fn a_claim_that_two_live_with(stage: &Stage) {
    let cast = cast(stage).await;
    let key = email_claim(stage, "alice@example.org");
    stage.place.damage(&format!("DELETE FROM claims WHERE key = {key}")).await;
    let request = json!({"email": "alice@example.org", "username": "dave", "password": PASSWORD});
    let dave = User(stage.ok("CreateUser", request).await["user"].clone());
    let found = findings(stage, &cast).await;
    let named: Vec<_> = found.iter().map(|text| text.replace(dave.id(), "dave")).collect();
    assert_eq!(named, ["users alice and dave both live with the same email.1"]);
}
