//! Imports: each row once, whatever is sent how often, and no row at the expense of another.

use std::fmt::Write as _;

use futures_util::{StreamExt, stream};
use insta::{allow_duplicates, assert_snapshot};
use serde_json::json;
use tokio_util::sync::CancellationToken;
use user_api::v1;
use user_api::v1::import_row::Credential;
use user_api::v1::import_users_request::Part;
use user_service::imports::{ImportError, Imports};

use super::{IMPORT, bcrypt, import, of, refusal, row, send, settings, told};
use crate::stage::{PASSWORD, Stage, on_both_stores};

on_both_stores!(
    rows_become_users,
    a_bad_row_does_not_fail_its_neighbours,
    rows_that_are_sent_again_are_there_once,
    a_rehearsal_writes_nothing_and_says_what_would_be_refused,
    a_thousand_rows_come_in_by_few_batches,
    a_call_has_a_bound,
    imports_are_so_many_and_no_more,
    an_import_ends_when_the_service_stops,
    whoever_was_erased_is_not_imported_again,
);

async fn rows_become_users(stage: &Stage) {
    let rows = vec![
        v1::ImportRow {
            first_name: Some("Ada".to_owned()),
            last_name: Some(String::new()),
            credential: Some(Credential::Password(PASSWORD.to_owned())),
            ..row(1, "ada")
        },
        v1::ImportRow {
            status: v1::UserStatus::Inactive.into(),
            credential: Some(bcrypt()),
            ..row(2, "grace")
        },
        row(3, "joan"),
    ];
    let answer = import(&stage.service, rows).await;
    assert_eq!((answer.created, answer.position, stage.head().await), (3, 4, 4));
    let mut table = String::new();
    for result in &answer.results {
        let user = stage.ok("GetUser", json!({"id": result.user_id})).await["user"].clone();
        let events = stage.ok("ListUserEvents", json!({"id": result.user_id})).await["events"].clone();
        let types = events.as_array().unwrap().iter().map(|event| event["type"].as_str().unwrap());
        let types = types.collect::<Vec<_>>().join(" ");
        let login = json!({"id": result.user_id, "password": PASSWORD});
        let login = stage.ok("VerifyPassword", login).await["valid"] == json!(true);
        let name = &user["firstName"];
        writeln!(table, "{} {name} {} {types} {login}", user["username"], user["status"]).unwrap();
    }
    allow_duplicates! {
        assert_snapshot!(table.replace('"', ""), @"
        ada Ada USER_STATUS_ACTIVE user.created true
        grace null USER_STATUS_INACTIVE user.created user.deactivated false
        joan null USER_STATUS_ACTIVE user.created false
        ");
    }
    stage.ok("SetPassword", json!({"id": answer.results[2].user_id, "password": PASSWORD})).await;
    let login = json!({"username": "joan", "password": PASSWORD});
    assert_eq!(stage.ok("VerifyPassword", login).await["valid"], json!(true), "once she has been given one");
}

async fn a_bad_row_does_not_fail_its_neighbours(stage: &Stage) {
    stage.create("alice").await;
    let with = |credential| Some(Credential::Password(credential));
    let rows = vec![
        row(1, "ada"),
        row(2, "alice"),
        v1::ImportRow { email: "grace".to_owned(), ..row(3, "grace") },
        v1::ImportRow { username: "Ada".to_owned(), ..row(4, "grace") },
        v1::ImportRow { credential: with("short".to_owned()), ..row(5, "short") },
        v1::ImportRow { status: v1::UserStatus::Deleted.into(), ..row(6, "gone") },
        row(0, "nobody"),
        row(7, "grace"),
        row(7, "joan"),
    ];
    let answer = import(&stage.service, rows).await;
    allow_duplicates! {
        assert_snapshot!(told(&answer), @"
        1 CREATED
        2 REFUSED EMAIL_TAKEN email
        3 INVALID SYNTAX email
        4 REFUSED USERNAME_TAKEN username
        5 INVALID TOO_SHORT password
        6 INVALID NO_STATUS_OF_A_NEW_USER status
        0 INVALID REQUIRED row
        7 CREATED
        7 REFUSED ROW_REUSED row
        ");
    }
    let counts = [answer.created, answer.refused, answer.invalid, answer.already_imported, answer.valid];
    assert_eq!((counts, answer.results.len()), ([2, 3, 4, 0, 0], 9));
    assert_eq!(stage.head().await, 3, "alice and two more");
}

async fn rows_that_are_sent_again_are_there_once(stage: &Stage) {
    let rows = |first: u64, last| (first..=last).map(|n| row(n, &format!("user{n}"))).collect::<Vec<_>>();
    let first = import(&stage.service, rows(1, 300)).await;
    assert_eq!((first.created, stage.head().await), (300, 300));
    let again = import(&stage.service, rows(1, 600)).await;
    assert_eq!((again.already_imported, again.created, stage.head().await), (300, 300, 600));
    let ids = |answer: &v1::ImportUsersResponse| {
        answer.results.iter().take(300).map(|result| result.user_id.clone()).collect::<Vec<_>>()
    };
    assert_eq!(ids(&again), ids(&first));
    assert_eq!(again.results.last().map(|result| result.row), Some(600));
    // Without its request ids the same rows meet themselves.
    let other = settings("0b5e0000-0000-4000-8000-000000000002");
    let other = send(&stage.service, of(other, rows(1, 600))).await.unwrap();
    assert_eq!((other.refused, stage.head().await), (600, 600));
    // And another row under an old number is not the same.
    let changed = import(&stage.service, vec![row(1, "somebody.else")]).await;
    assert_eq!(told(&changed), "1 REFUSED ROW_REUSED row\n");
}

async fn a_rehearsal_writes_nothing_and_says_what_would_be_refused(stage: &Stage) {
    import(&stage.service, vec![row(1, "ada")]).await;
    stage.create("alice").await;
    let mut first = settings(IMPORT);
    if let Some(Part::Settings(settings)) = &mut first.part {
        settings.validate_only = true;
    }
    let twice = v1::ImportRow { email: "GRACE@example.org".to_owned(), ..row(5, "hopper") };
    let password = Some(Credential::Password(PASSWORD.to_owned()));
    let rows = vec![
        row(1, "ada"),
        row(2, "alice"),
        row(3, "not an address"),
        v1::ImportRow { credential: password, ..row(4, "grace") },
        twice,
        row(6, "hopper"),
    ];
    let answer = send(&stage.service, of(first, rows)).await.unwrap();
    allow_duplicates! {
        assert_snapshot!(told(&answer), @"
        1 ALREADY_IMPORTED
        2 REFUSED EMAIL_TAKEN email
        3 INVALID LOCAL_PART_SYNTAX email
        4 VALID
        5 REFUSED EMAIL_TAKEN email
        6 VALID
        ");
    }
    assert_eq!((answer.valid, answer.position, stage.head().await), (2, 0, 2));
    assert_eq!(answer.results[4].description, "is wanted by row 4, too");
}

async fn a_thousand_rows_come_in_by_few_batches(stage: &Stage) {
    let batches = || {
        let stats = stage.service.directory.store().stats().appends.unwrap();
        stats.batch_seconds.counts.iter().sum::<u64>()
    };
    let before = batches();
    let answer = import(&stage.service, (1..=1000).map(|n| row(n, &format!("user{n}"))).collect()).await;
    assert_eq!(answer.created, 1000);
    assert!(batches() - before < 500, "{} batches", batches() - before);
}

async fn a_call_has_a_bound(stage: &Stage) {
    let nobody = |n| row(n, "no name");
    let rows = (1..=10_001).map(nobody);
    let error = send(&stage.service, of(settings(IMPORT), rows)).await.unwrap_err();
    assert_eq!(refusal(&error), "invalid_argument TOO_MANY_ROWS", "{error:?}");
    let most = import(&stage.service, (1..=10_000).map(nobody).collect()).await;
    assert_eq!((most.invalid, most.results.len()), (10_000, 10_000));
}

async fn imports_are_so_many_and_no_more(stage: &Stage) {
    let imports = Imports::new(stage.service.directory.clone(), CancellationToken::new());
    let mut begun: Vec<_> = (0..8).map(|_| imports.begin().unwrap()).collect();
    assert_eq!(imports.begin().unwrap_err(), ImportError::TooMany);
    begun.pop();
    assert!(imports.begin().is_ok());
}

async fn an_import_ends_when_the_service_stops(stage: &Stage) {
    let client = stage.service.grpc().await;
    let endless = stream::iter(of(settings(IMPORT), [row(1, "ada")])).chain(stream::pending());
    let importing = tokio::spawn(async move { client.import_users(endless).await.map(drop) });
    while stage.head().await == 0 {
        tokio::task::yield_now().await;
    }
    stage.service.order_stop();
    let error = importing.await.unwrap().unwrap_err();
    assert_eq!(refusal(&error), "unavailable STOPPING");
}

async fn whoever_was_erased_is_not_imported_again(stage: &Stage) {
    let first = import(&stage.service, vec![row(1, "ada")]).await;
    let id = json!({"id": first.results[0].user_id});
    stage.ok("DeleteUser", id.clone()).await;
    stage.ok("EraseUser", id).await;
    let again = import(&stage.service, vec![row(1, "ada")]).await;
    assert_eq!(told(&again), "1 ALREADY_IMPORTED ERASED\n");
    assert_eq!(again.results[0].user_id, "");
    assert_eq!(stage.head().await, 3);
}
