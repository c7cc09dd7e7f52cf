//! `user-service users import` and `users export`: files of users, into a running service and out of it.

use std::fs;
use std::os::unix::fs::MetadataExt;

use serde_json::{Value, json};

use super::{Running, Said, user_service};
use crate::stage::{Place, on_both_places};

on_both_places!(a_file_of_users_comes_in_and_goes_out);

/// A command, and what came of it.
async fn said(service: &Running, arguments: &[&str]) -> Said {
    let api = format!("http://{}", service.address);
    user_service(&[&["users", "--api", &api], arguments].concat(), &[]).await
}

async fn a_file_of_users_comes_in_and_goes_out(place: &Place) {
    let service = Running::serve(place).await;
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (users, table, copy) = (file("users.csv"), file("out.csv"), file("copy.jsonl"));
    let rows = "email,username,first_name,status,password\r\n\
                ada@example.org,ada,'=Ada,active,correct horse battery\r\n\
                grace@example.org,grace,,inactive,\r\n\
                ADA@example.org,joan,,,\r\n\
                nobody,nobody,,,\r\n";
    fs::write(&users, rows).unwrap();
    let rehearsed = said(&service, &["import", &users, "--validate-only"]).await;
    assert_eq!((rehearsed.code, rehearsed.stdout.lines().count()), (Some(1), 2), "{}", rehearsed.stderr);
    assert!(
        rehearsed.stderr.starts_with("4 rows, 1 invalid, 1 refused, 2 valid (import "),
        "{}",
        rehearsed.stderr
    );
    let first = said(&service, &["import", &users]).await;
    let refused: Vec<Value> =
        first.stdout.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    let told: Vec<_> = refused.iter().map(|row| (&row["row"], &row["reason"])).collect();
    assert_eq!(told, [(&json!("3"), &json!("EMAIL_TAKEN")), (&json!("4"), &json!("SYNTAX"))]);
    assert!(first.stderr.starts_with("4 rows, 2 created, 1 invalid, 1 refused (import "), "{}", first.stderr);
    assert!(first.stderr.ends_with("user-service: 2 of 4 rows did not come in\n"), "{}", first.stderr);
    let again = said(&service, &["import", &users]).await;
    assert!(
        again.stderr.starts_with("4 rows, 1 invalid, 1 refused, 2 there already (import "),
        "{}",
        again.stderr
    );

    let exported = said(&service, &["export", "--format", "csv", "--output", &table]).await;
    assert_eq!((exported.code, &*exported.stderr), (Some(0), "2 users, as of position 3\n"));
    let written = fs::read_to_string(&table).unwrap();
    assert!(written.contains(",ada@example.org,ada,'=Ada,,,active,"), "{written}");
    let mode = fs::metadata(&table).unwrap().mode();
    assert_eq!(mode & 0o777, 0o600);
    let lines = said(&service, &["export", "--status", "inactive"]).await.stdout;
    assert_eq!(lines.lines().count(), 1);
    fs::write(&copy, lines.replace("grace", "hopper")).unwrap();
    let copied = said(&service, &["import", &copy]).await;
    assert_eq!(copied.code, Some(0), "what is exported can be imported: {}", copied.stderr);
    service.stop().await;
}
