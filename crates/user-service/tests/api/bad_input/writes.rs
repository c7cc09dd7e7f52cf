//! Changes that come from a caller who has not seen the user as she is, who means another one, or who wants what is another's:
//! refused, each with its reason, and nothing is written.

use std::fmt::Write as _;

use insta::{allow_duplicates, assert_snapshot};
use serde_json::{Value, json};

use super::values::calls;
use crate::stage::{PASSWORD, Stage, on_both_stores, refusal_of};
use crate::transfer::{import, row};

on_both_stores!(no_change_is_made_by_whoever_means_another_user, nobody_gets_what_is_anothers);

const NOBODY: &str = "01890000-0000-7000-8000-000000000000";

async fn no_change_is_made_by_whoever_means_another_user(stage: &Stage) {
    let (alice, bob, eve) =
        (stage.create("alice").await, stage.create("bob").await, stage.create("eve").await);
    stage.ok("UpdateUser", json!({"id": alice.id(), "firstName": "Alice"})).await;
    stage.change("DeleteUser", &eve).await;
    stage.change("EraseUser", &eve).await;
    let head = stage.head().await;
    let (mut table, mut told_before) = (String::new(), String::new());
    let changes =
        calls(alice.id()).into_iter().filter(|(.., bad)| bad.iter().any(|(_, field, _)| *field == "etag"));
    for (call, mut request, _) in changes {
        match call {
            "SetPassword" => request["password"] = json!(PASSWORD),
            "UpdateUser" => request["firstName"] = json!("Bob"),
            _ => {}
        }
        let mut told = String::new();
        for (word, field, value) in [
            ("as she was", "etag", alice.etag()),
            ("another's", "etag", bob.etag()),
            ("nobody's", "id", NOBODY),
            ("erased", "id", eve.id()),
            ("looks alike", "id", &*alice.id().replacen('0', "\u{ff10}", 1)),
        ] {
            let mut request: Value = request.clone();
            request[field] = json!(value);
            let answer = stage.service.post(call, &request).await;
            // Erasing whoever has been erased says what already holds.
            let outcome =
                if answer.status == 200 { "nothing to do".to_owned() } else { refusal_of(&answer.body) };
            writeln!(told, "  {field} {word}: {outcome}").unwrap();
        }
        let same = if told == told_before { "  the same\n" } else { &*told };
        write!(table, "{call}\n{same}").unwrap();
        told_before = told;
    }
    assert_eq!(stage.head().await, head, "nothing was written");
    allow_duplicates! {
        assert_snapshot!(table, @"
        UpdateUser
          etag as she was: aborted ETAG_MISMATCH etag
          etag another's: invalid_argument MALFORMED_ETAG etag
          id nobody's: not_found USER_NOT_FOUND
          id erased: not_found USER_ERASED
          id looks alike: invalid_argument MALFORMED_UUID id
        ChangePassword
          the same
        SetPassword
          the same
        SuspendUser
          the same
        ActivateUser
          the same
        DeactivateUser
          the same
        ReinstateUser
          the same
        DeleteUser
          the same
        RestoreUser
          the same
        EraseUser
          etag as she was: aborted ETAG_MISMATCH etag
          etag another's: invalid_argument MALFORMED_ETAG etag
          id nobody's: not_found USER_NOT_FOUND
          id erased: nothing to do
          id looks alike: invalid_argument MALFORMED_UUID id
        ");
    }
}

async fn nobody_gets_what_is_anothers(stage: &Stage) {
    stage.create("alice").await;
    let (bob, gone) = (stage.create("bob").await, stage.create("gone").await);
    stage.change("DeleteUser", &gone).await;
    let head = stage.head().await;
    let mut table = String::new();
    for (call, good) in [
        ("CreateUser", json!({"email": "eve@example.org", "username": "eve", "password": PASSWORD})),
        ("UpdateUser", json!({"id": bob.id(), "email": "eve@example.org", "username": "eve"})),
    ] {
        writeln!(table, "{call}").unwrap();
        for (word, field, value) in taken() {
            let mut request = good.clone();
            request[field] = json!(value);
            writeln!(table, "  {field} {word}: {}", stage.refused(call, request).await).unwrap();
        }
    }
    writeln!(table, "ImportUsers").unwrap();
    let rows = taken().into_iter().zip(1..).map(|((_, field, value), number)| {
        let mut good = serde_json::to_value(row(number, "eve")).unwrap();
        good[field] = json!(value);
        serde_json::from_value(good).unwrap()
    });
    let answer = import(&stage.service, rows.collect()).await;
    for ((word, field, _), told) in taken().into_iter().zip(&answer.results) {
        writeln!(table, "  {field} {word}: {} {}", told.reason, told.field).unwrap();
    }
    assert_eq!(stage.head().await, head, "nothing was written");
    allow_duplicates! {
        assert_snapshot!(table, @"
        CreateUser
          email another's: already_exists EMAIL_TAKEN email
          email another's in capitals: already_exists EMAIL_TAKEN email
          email of somebody deleted: already_exists EMAIL_TAKEN email
          username another's: already_exists USERNAME_TAKEN username
          username another's in wide capitals: already_exists USERNAME_TAKEN username
          username of somebody deleted: already_exists USERNAME_TAKEN username
          username like another's: already_exists USERNAME_CONFUSABLE username
          username like another's in another script: already_exists USERNAME_CONFUSABLE username
          username like a reserved one: invalid_argument USERNAME_RESERVED username
        UpdateUser
          email another's: already_exists EMAIL_TAKEN email
          email another's in capitals: already_exists EMAIL_TAKEN email
          email of somebody deleted: already_exists EMAIL_TAKEN email
          username another's: already_exists USERNAME_TAKEN username
          username another's in wide capitals: already_exists USERNAME_TAKEN username
          username of somebody deleted: already_exists USERNAME_TAKEN username
          username like another's: already_exists USERNAME_CONFUSABLE username
          username like another's in another script: already_exists USERNAME_CONFUSABLE username
          username like a reserved one: invalid_argument USERNAME_RESERVED username
        ImportUsers
          email another's: EMAIL_TAKEN email
          email another's in capitals: EMAIL_TAKEN email
          email of somebody deleted: EMAIL_TAKEN email
          username another's: USERNAME_TAKEN username
          username another's in wide capitals: USERNAME_TAKEN username
          username of somebody deleted: USERNAME_TAKEN username
          username like another's: USERNAME_CONFUSABLE username
          username like another's in another script: USERNAME_CONFUSABLE username
          username like a reserved one: USERNAME_RESERVED username
        ");
    }
}

/// What belongs to alice, to somebody who is deleted, or to nobody ever.
fn taken() -> [(&'static str, &'static str, &'static str); 9] {
    [
        ("another's", "email", "alice@example.org"),
        ("another's in capitals", "email", "ALICE@Example.ORG"),
        ("of somebody deleted", "email", "gone@example.org"),
        ("another's", "username", "alice"),
        ("another's in wide capitals", "username", "\u{ff21}LICE"),
        ("of somebody deleted", "username", "gone"),
        ("like another's", "username", "a1ice"),
        ("like another's in another script", "username", "\u{430}lice"),
        ("like a reserved one", "username", "adm1n"),
    ]
}
