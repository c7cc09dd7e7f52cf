//! Imports: what is wrong with a row is told about that row, and what is wrong with the call ends it.

use std::fmt::Write as _;

use insta::{allow_duplicates, assert_snapshot};
use serde_json::json;
use user_api::v1;

use super::values::{long, rows};
use crate::stage::{Stage, on_both_stores};
use crate::transfer::{IMPORT, of, refusal, row, send, settings};

on_both_stores!(every_row_tells_what_is_wrong, a_call_that_is_no_import_is_refused);

/// All of them in one call, between two rows that are as they should be.
async fn every_row_tells_what_is_wrong(stage: &Stage) {
    let good = json!({"row": "1", "email": "bob@example.org", "username": "bob"});
    let (mut words, mut messages) = (Vec::new(), vec![row(1_000_001, "first")]);
    for (word, field, value) in rows() {
        let mut bad = good.clone();
        bad["row"] = json!((messages.len()).to_string());
        bad[field] = value;
        // What is no row in JSON cannot be sent by a client that has the contract.
        if let Ok(row) = serde_json::from_value(bad) {
            words.push(format!("{field} {word}"));
            messages.push(row);
        }
    }
    messages.push(row(1_000_002, "last"));
    let answer = send(&stage.service, of(settings(IMPORT), messages)).await.unwrap();
    assert_eq!((answer.created, answer.invalid as usize, stage.head().await), (2, words.len(), 2));
    let mut table = String::new();
    for (word, result) in words.iter().zip(&answer.results[1..]) {
        writeln!(table, "{word}: {} {}", result.reason, result.field).unwrap();
    }
    allow_duplicates! {
        assert_snapshot!(table, @"
        row zero: REQUIRED row
        email empty: EMPTY email
        email no @: SYNTAX email
        email too long: DOMAIN_SYNTAX email
        email much too long: TOO_LONG email
        email control: LOCAL_PART_SYNTAX email
        email no domain: DOMAIN_SYNTAX email
        username empty: EMPTY username
        username too long: TOO_LONG username
        username much too long: TOO_LONG username
        username control: CONTROL_OR_SPACE username
        username space: CONTROL_OR_SPACE username
        username invisible: INVISIBLE username
        firstName blank: BLANK first_name
        firstName too long: TOO_LONG first_name
        firstName control: CONTROL first_name
        lastName blank: BLANK last_name
        lastName too long: TOO_LONG last_name
        lastName control: CONTROL last_name
        avatarUrl no https: NOT_HTTPS avatar_url
        avatarUrl too long: TOO_LONG avatar_url
        avatarUrl script: NOT_HTTPS avatar_url
        status of no new user: NO_STATUS_OF_A_NEW_USER status
        status of no new user: NO_STATUS_OF_A_NEW_USER status
        status of no new user: NO_STATUS_OF_A_NEW_USER status
        status of no new user: NO_STATUS_OF_A_NEW_USER status
        password empty: TOO_SHORT password
        password too short: TOO_SHORT password
        password too long: TOO_LONG password
        passwordHash empty: UNKNOWN_ALGORITHM password_hash
        passwordHash no hash: UNKNOWN_ALGORITHM password_hash
        passwordHash half a hash: MALFORMED_HASH password_hash
        ");
    }
}

async fn a_call_that_is_no_import_is_refused(stage: &Stage) {
    let (good, ada) = (settings(IMPORT), row(1, "ada"));
    let malformed = settings("0b5e000000004000800000000000000");
    let nothing = v1::ImportUsersRequest::default();
    let twice = [of(good.clone(), []), of(good.clone(), [])].concat();
    let much_too_long = v1::ImportRow { email: long(70_000), ..ada.clone() };
    let calls = [
        ("nothing", vec![]),
        ("an empty message", vec![nothing.clone()]),
        ("no settings", of(good.clone(), [ada.clone()])[1..].to_vec()),
        ("no import id", of(settings(""), [ada.clone()])),
        ("no UUID", of(malformed, [ada])),
        ("settings twice", twice),
        ("an empty message in between", vec![good.clone(), nothing]),
        ("a message that is too long", of(good, [much_too_long])),
    ];
    let mut table = String::new();
    for (word, messages) in calls {
        let error = send(&stage.service, messages).await.unwrap_err();
        writeln!(table, "{word}: {}", refusal(&error)).unwrap();
    }
    assert_eq!(stage.head().await, 0, "nothing was written");
    allow_duplicates! {
        assert_snapshot!(table, @"
        nothing: invalid_argument REQUIRED settings
        an empty message: invalid_argument REQUIRED settings
        no settings: invalid_argument REQUIRED settings
        no import id: invalid_argument MALFORMED_UUID settings.import_id
        no UUID: invalid_argument MALFORMED_UUID settings.import_id
        settings twice: invalid_argument GIVEN_TWICE settings
        an empty message in between: invalid_argument REQUIRED row
        a message that is too long: resource_exhausted MESSAGE_TOO_LARGE
        ");
    }
}
