//! Changes that come from a caller who has not seen the user as she is, or who means another one: refused, each with its
//! reason, and nothing is written.

use std::fmt::Write as _;

use insta::{allow_duplicates, assert_snapshot};
use serde_json::{Value, json};

use super::values::calls;
use crate::stage::{PASSWORD, Stage, on_both_stores, refusal_of};

on_both_stores!(no_change_is_made_by_whoever_means_another_user);

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
