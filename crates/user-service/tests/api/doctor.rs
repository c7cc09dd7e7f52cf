//! The doctor: well on a healthy store, and for each kind of damage that finding and no other.

use std::collections::{BTreeSet, HashSet};
use std::time::{Duration, Instant};

use eventstore::{AggregateId, Deadline, ProjectionMode};
use serde_json::json;
use user_domain::Email;
use user_service::doctor::{Report, Rounds, examine, examine_some, examine_users};
use user_service::projections::LAYOUTS;
use uuid::Uuid;

use crate::process::{Said, user_service};
use crate::stage::{MASTER_KEY, PASSWORD, Place, Stage, User, on_both_stores};

on_both_stores!(
    a_healthy_store_is_well,
    a_missing_position,
    a_missing_version,
    time_that_goes_backwards,
    an_event_of_an_unknown_type,
    a_sealed_part_that_was_changed,
    a_row_that_differs,
    a_row_that_says_one_thing_twice_in_two_ways,
    a_row_that_makes_no_user,
    a_missing_row,
    a_row_of_nobody,
    a_missing_secret,
    a_secret_of_nobody,
    a_secret_that_cannot_be_opened,
    a_credential_that_differs,
    a_missing_claim,
    a_claim_of_nobody,
    a_claim_that_two_live_with,
    a_row_of_a_projection_that_differs,
    a_row_of_a_projection_about_nobody,
    a_count_that_differs,
    a_sample_finds_what_is_wrong_with_those_who_are_in_it,
    a_round_counts_what_it_sees,
    a_repair_mends_what_is_wrong_and_nothing_else,
    a_repair_leaves_what_cannot_be_mended,
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
    let directory = &stage.service.directory;
    let head = directory.store().head().await.unwrap().position;
    for layout in LAYOUTS.iter().filter(|layout| layout.mode == ProjectionMode::Async) {
        let soon = Deadline(Instant::now() + Duration::from_mins(1));
        directory.projections().reached(layout.name, head, soon).await.expect("somebody runs it");
    }
    [alice, bob]
}

/// An id as the engine writes it.
fn sql(place: &Place, id: &str) -> String {
    match place {
        Place::Sqlite(_) => format!("X'{}'", id.replace('-', "")),
        Place::Postgres(_) => format!("'{id}'::uuid"),
    }
}

/// What the command says.
async fn doctor(place: &Place, more: &[&str]) -> Said {
    let url = place.url();
    let doctor = [&["doctor", "--store", &url], more].concat();
    user_service(&doctor, &[("USER_SERVICE_MASTER_KEY", MASTER_KEY)]).await
}

/// What the doctor finds, with names for ids. The command says the same, and ends with 3 if that is not nothing.
async fn findings(stage: &Stage, [alice, bob]: &[User; 2]) -> Vec<String> {
    let report = examine(&stage.service.directory).await.expect("it can be examined");
    let said = doctor(&stage.place, &[]).await;
    assert_eq!(said.code, Some(if report.findings.is_empty() { 0 } else { 3 }), "{}", said.stderr);
    for finding in &report.findings {
        assert!(said.stdout.contains(&finding.to_string()), "{finding} is not in {}", said.stdout);
        assert!(said.stdout.contains(finding.repair()), "{}", said.stdout);
    }
    named(&report, [alice, bob])
}

fn named(report: &Report, [alice, bob]: [&User; 2]) -> Vec<String> {
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
    assert_eq!(
        findings(stage, &cast).await,
        ["stream bob: version 2 is missing: the next event is version 3"]
    );
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

/// Lists are filtered by the status; whatever else is shown of it is the standing.
async fn a_row_that_says_one_thing_twice_in_two_ways(stage: &Stage) {
    let cast = cast(stage).await;
    stage.place.damage("UPDATE user_read_model SET status = 'suspended' WHERE username = 'alice'").await;
    assert_eq!(findings(stage, &cast).await, ["user alice: her row differs from her events in status"]);
}

async fn a_row_that_makes_no_user(stage: &Stage) {
    let cast = cast(stage).await;
    stage.place.damage("UPDATE user_read_model SET standing = 9 WHERE username = 'alice'").await;
    assert_eq!(findings(stage, &cast).await, ["user alice: her row differs from her events in standing"]);
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

/// A flipped value in each projection that follows the log.
async fn flip_values(place: &Place, [alice, bob]: &[User; 2]) {
    let [alice, bob] = [alice, bob].map(|user| sql(place, user.id()));
    let flip = format!(
        "UPDATE user_search SET last_name = 'Mallory' WHERE id = {alice}; \
         UPDATE user_history SET status = 'suspended' WHERE id = {bob} AND version = 1; \
         UPDATE activity_user SET email_domain = 'example.net' WHERE id = {alice};"
    );
    place.damage(&flip).await;
}

const IN_SEARCH: &str =
    "user alice: her rows in projection user_search differ from her events: user_search.last_name";
const IN_HISTORY: &str =
    "user bob: her rows in projection user_history differ from her events: user_history.status";
const IN_ACTIVITY: &str =
    "user alice: her rows in projection user_activity differ from her events: activity_user.email_domain";

async fn a_row_of_a_projection_that_differs(stage: &Stage) {
    let cast = cast(stage).await;
    flip_values(&stage.place, &cast).await;
    assert_eq!(findings(stage, &cast).await, [IN_SEARCH, IN_HISTORY, IN_ACTIVITY]);
}

async fn a_row_of_a_projection_about_nobody(stage: &Stage) {
    let cast = cast(stage).await;
    let nobody = sql(&stage.place, NOBODY);
    let row = format!("INSERT INTO activity_user (id, status, standing) VALUES ({nobody}, 'active', 0)");
    stage.place.damage(&row).await;
    let finding = "user nobody: her rows in projection user_activity differ from her events: \
                   activity_user (a row too many)";
    assert_eq!(findings(stage, &cast).await, [finding]);
}

async fn a_count_that_differs(stage: &Stage) {
    let cast = cast(stage).await;
    stage.place.damage("UPDATE activity_day SET events = events + 1 WHERE event_type = 'user.created'").await;
    let finding = "the counts in projection user_activity differ from the log: activity_day.events";
    assert_eq!(findings(stage, &cast).await, [finding]);
}

async fn a_sample_finds_what_is_wrong_with_those_who_are_in_it(stage: &Stage) {
    let cast = cast(stage).await;
    let id = |user: &User| AggregateId(Uuid::parse_str(user.id()).expect("it is an id"));
    let directory = &stage.service.directory;
    assert!(examine_some(directory, 10).await.unwrap().findings.is_empty());
    flip_values(&stage.place, &cast).await;
    let [alice, bob] = &cast;
    let of = async |users: BTreeSet<AggregateId>| {
        named(&examine_users(directory, &users).await.unwrap(), [alice, bob])
    };
    assert_eq!(of(BTreeSet::from([id(alice)])).await, [IN_SEARCH, IN_ACTIVITY]);
    assert_eq!(of(BTreeSet::from([id(bob)])).await, [IN_HISTORY]);
    let said = doctor(&stage.place, &["--sample", "10"]).await;
    assert_eq!(said.code, Some(3), "{}", said.stderr);
    assert!(said.stdout.ends_with("a sample: 8 events, 2 users: 3 things are wrong\n"), "{}", said.stdout);
}

async fn a_round_counts_what_it_sees(stage: &Stage) {
    let cast = cast(stage).await;
    flip_values(&stage.place, &cast).await;
    let (rounds, mut said) = (Rounds::default(), HashSet::new());
    assert_eq!((rounds.checked(), rounds.wrong(), rounds.last()), (0, 0, None));
    for _ in 0..2 {
        rounds.round(&stage.service.directory, 10, &mut said).await.unwrap();
    }
    assert_eq!((rounds.checked(), rounds.wrong()), (4, 6));
    assert!(rounds.last().is_some());
    assert_eq!(said.len(), 3, "each is said once");
}

/// Every row of everything that can be derived from the log.
async fn derived(place: &Place) -> Vec<Vec<Vec<String>>> {
    let mut tables = Vec::new();
    for table in LAYOUTS.iter().flat_map(|layout| layout.tables) {
        let columns: Vec<_> = table.columns.iter().map(|column| column.name).collect();
        let (columns, keys) = (columns.join(", "), columns[..table.key_columns].join(", "));
        let statement = format!("SELECT {columns} FROM {} ORDER BY {keys}", table.name);
        tables.push(place.rows(&statement).await);
    }
    tables
}

async fn a_repair_mends_what_is_wrong_and_nothing_else(stage: &Stage) {
    let cast = cast(stage).await;
    // An embedded store that is served is mended by its service: here nobody serves it.
    let copy = match &stage.place {
        Place::Sqlite(_) => Some(Place::sqlite()),
        Place::Postgres(_) => None,
    };
    if let Some(copy) = &copy {
        let file = copy.file().display().to_string();
        stage.place.sqlite_shell().execute("VACUUM INTO ?1", [file]).unwrap();
    }
    let place = copy.as_ref().unwrap_or(&stage.place);
    let before = derived(place).await;
    flip_values(place, &cast).await;
    let flip = "UPDATE user_read_model SET username = 'mallory' WHERE username = 'alice';";
    place.damage(flip).await;
    let said = doctor(place, &["--repair"]).await;
    assert_eq!(said.code, Some(0), "{} {}", said.stdout, said.stderr);
    for (projection, user) in [("users", 0), ("user_search", 0), ("user_history", 1), ("user_activity", 0)] {
        let mended = format!("MENDED {projection}: the rows of {} have been made anew", cast[user].id());
        assert!(said.stdout.contains(&mended), "{}", said.stdout);
    }
    assert_eq!(said.stdout.matches("MENDED").count(), 4, "{}", said.stdout);
    assert_eq!(derived(place).await, before);
    place.damage("UPDATE activity_day SET events = 7 WHERE event_type = 'user.created'").await;
    let said = doctor(place, &["--repair"]).await;
    assert!(said.stdout.contains("MENDED user_activity: generation 2 is live"), "{}", said.stdout);
    assert_eq!((said.code, derived(place).await), (Some(0), before));
}

async fn a_repair_leaves_what_cannot_be_mended(stage: &Stage) {
    let cast = cast(stage).await;
    let alice = sql(&stage.place, cast[0].id());
    stage.place.damage(&format!("DELETE FROM user_secret WHERE user_id = {alice}")).await;
    let before = derived(&stage.place).await;
    let said = doctor(&stage.place, &["--repair"]).await;
    assert_eq!(said.code, Some(3), "{}", said.stderr);
    assert!(said.stdout.contains("LEFT   user ") && !said.stdout.contains("MENDED"), "{}", said.stdout);
    assert_eq!(derived(&stage.place).await, before, "her rows are all that is left of her");
}
