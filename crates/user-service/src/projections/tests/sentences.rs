//! What single events make of rows, in sentences.

use cqrs::{Recorded, testkit};
use eventstore::Value;
use user_domain::{
    Changed, CredentialAlgorithm, CredentialState, Email, EmailChanged, EmailChangedPersonal,
    PasswordChangeKind, PasswordChanged, Reason, Redactable, Status, UserCreated, UserCreatedPersonal,
    UserDeleted, UserErased, UserEvent, UserSuspended, UserSuspendedPersonal, Username, UsernameChanged,
    UsernameChangedPersonal, Users,
};

use super::log::decoded;
use super::tables::Tables;
use crate::projections::{
    DecodedUserEvent, USER_SEARCH_PROJECTOR, USERS_PROJECTOR, UserActivity, UserHistory, projectors,
};

const FIRST: CredentialState = CredentialState { version: 1, algorithm: CredentialAlgorithm::Argon2id };

fn email(text: &str) -> Email {
    Email::parse(text).expect("it is one")
}

fn username(text: &str) -> Username {
    Username::parse(text).expect("it is one")
}

fn created() -> UserEvent {
    let personal = UserCreatedPersonal {
        email: email("Alice@Example.org"),
        username: username("Alice"),
        first_name: None,
        last_name: None,
        avatar_url: None,
    };
    let personal = Redactable::Known(personal);
    UserCreated { status: Status::Active, credential: FIRST, personal }.into()
}

fn email_changed() -> UserEvent {
    let email = Changed { from: email("Alice@Example.org"), to: email("alice@example.com") };
    EmailChanged { personal: Redactable::Known(EmailChangedPersonal { email }) }.into()
}

fn username_changed() -> UserEvent {
    let username = Changed { from: username("Alice"), to: username("Alix") };
    UsernameChanged { personal: Redactable::Known(UsernameChangedPersonal { username }) }.into()
}

fn password_changed() -> UserEvent {
    let to = CredentialState { version: 2, ..FIRST };
    PasswordChanged { kind: PasswordChangeKind::Own, from: FIRST, to }.into()
}

fn deleted() -> UserEvent {
    UserDeleted { status: Changed { from: Status::Active, to: Status::Deleted } }.into()
}

fn erasure() -> UserEvent {
    UserErased { status: Changed { from: Status::Deleted, to: Status::Erased } }.into()
}

fn history(events: impl IntoIterator<Item = UserEvent>) -> Vec<DecodedUserEvent> {
    decoded(&recorded(events), &[])
}

fn recorded(events: impl IntoIterator<Item = UserEvent>) -> Vec<Recorded<UserEvent>> {
    testkit::record::<Users>(events)
}

fn texts(tables: &Tables, table: &str, column: usize) -> Vec<String> {
    let text = |value: &Value| match value {
        Value::Text(text) => text.clone(),
        Value::Null => "-".to_owned(),
        other => panic!("{other:?} is no text"),
    };
    tables.of(table).into_iter().map(|row| text(&row[column])).collect()
}

#[test]
fn a_user_is_searched_by_what_she_is_called_now() {
    let tables = Tables::after(&USER_SEARCH_PROJECTOR, &history([created(), email_changed()]));
    assert_eq!(texts(&tables, "user_search", 1), ["alice@example.com"]);
    assert_eq!(texts(&tables, "user_search", 13), ["alice@example.com"]);
    assert_eq!(texts(&tables, "user_search", 14), ["alice"]);
    assert_eq!(texts(&tables, "user_search", 15), ["alice@example.com\nalice"]);
}

#[test]
fn nobody_finds_who_has_been_erased() {
    for projector in [USERS_PROJECTOR, USER_SEARCH_PROJECTOR] {
        assert_eq!(Tables::after(&projector, &history([created(), deleted(), erasure()])), Tables::default());
    }
}

#[test]
fn another_password_is_another_version_and_nothing_else() {
    let before = Tables::after(&USERS_PROJECTOR, &history([created()]));
    let after = Tables::after(&USERS_PROJECTOR, &history([created(), password_changed()]));
    let (before, after) = (before.of("user_read_model")[0].clone(), after.of("user_read_model")[0].clone());
    assert_eq!(before[..9], after[..9]);
    assert_eq!(after[11..], [Value::BigInt(2), Value::BigInt(2)]);
}

#[test]
fn each_state_says_whose_address_it_was() {
    let tables = Tables::after(&UserHistory, &history([created(), password_changed(), email_changed()]));
    let claims: Vec<_> = tables.of("user_history").into_iter().map(|row| (&row[15], &row[16])).collect();
    assert_eq!(claims[0], claims[1], "an event without a claim leaves her what she has");
    assert_ne!(claims[1].0, claims[2].0);
    assert_eq!(claims[1].1, claims[2].1);
}

#[test]
fn of_two_changes_in_one_command_each_has_its_own_state() {
    let mut events = history([created(), email_changed(), username_changed()]);
    // As the directory seals them: both with what she owns after the command.
    events[1].claims = events[2].claims.clone();
    let tables = Tables::after(&UserHistory, &events);
    let claims: Vec<_> = tables.of("user_history").into_iter().map(|row| row[16].clone()).collect();
    assert_eq!(claims[0], claims[1], "her name is still the old one");
    assert_ne!(claims[1], claims[2]);
}

#[test]
fn of_an_erased_user_history_keeps_that_she_was_there() {
    let log = recorded([created(), deleted(), erasure()]);
    let tables = Tables::after(&UserHistory, &decoded(&log, &[log[0].aggregate_id]));
    assert_eq!(texts(&tables, "user_history", 10), ["active", "deleted", "erased"]);
    assert_eq!(texts(&tables, "user_history", 5), ["-", "-", "-"]);
}

#[test]
fn figures_count_events_users_and_domains() {
    let tables = Tables::after(&UserActivity, &history([created(), email_changed(), deleted()]));
    let shown = |table| tables.of(table).into_iter().map(|row| format!("{:?}", &row[..])).collect::<Vec<_>>();
    let day = r#"[Text("1970-01-01"), Text"#;
    let counted = |what: &str, count: i64| format!(r#"{day}("{what}"), BigInt({count})]"#);
    assert_eq!(
        shown("activity_day"),
        [counted("user.created", 1), counted("user.deleted", 1), counted("user.email_changed", 1)]
    );
    assert_eq!(shown("activity_status"), [counted("active", 0), counted("deleted", 1)]);
    assert_eq!(texts(&tables, "activity_user", 1), ["deleted"]);
    assert_eq!(texts(&tables, "activity_user", 3), ["example.com"]);
}

#[test]
fn the_domain_of_an_erased_user_is_gone() {
    let tables = Tables::after(&UserActivity, &history([created(), deleted(), erasure()]));
    assert_eq!(texts(&tables, "activity_user", 1), ["erased"]);
    assert_eq!(texts(&tables, "activity_user", 3), ["-"]);
}

#[test]
fn a_history_without_its_beginning_makes_no_row_of_anybody() {
    let suspended = UserSuspended {
        status: Changed { from: Status::Active, to: Status::Suspended },
        personal: Redactable::Known(UserSuspendedPersonal {
            reason: Reason::parse("spam").expect("it is one"),
        }),
    };
    let headless = decoded(&recorded([suspended.into(), deleted()]), &[]);
    for projector in projectors() {
        let tables = Tables::after(&*projector, &headless);
        let of_somebody = projector.layout().tables[0];
        assert_eq!(
            tables.of(of_somebody.name),
            Vec::<&eventstore::Row>::new(),
            "{}",
            projector.layout().name
        );
    }
}
