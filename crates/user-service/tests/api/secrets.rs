//! No secret and nothing personal where it does not belong: not in a log at its most talkative, not in an error, not in
//! the open part of an event; and after erasure nowhere at all.

use std::fs;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::process::Running;
use crate::stage::{MASTER_KEY, Place, on_both_places, post};

on_both_places!(canaries_stay_where_they_belong);

/// In everything personal.
const PERSONAL: &str = "canary";

/// In every password.
const SECRET: &str = "sesame";

/// Whether a text holds a word in any case, as text or as the hex digits of bytes.
fn holds(text: &str, word: &str) -> bool {
    let digits = word.bytes().fold(String::new(), |digits, byte| format!("{digits}{byte:02x}"));
    let text = text.to_lowercase();
    text.contains(word) || text.contains(&digits)
}

#[track_caller]
fn nothing_of(words: &[&str], text: &str, place: &str) {
    for word in words {
        let line = text.lines().find(|line| holds(line, word));
        assert!(line.is_none(), "{word} is in {place}: {}", line.unwrap_or_default());
    }
}

/// Every call that takes something personal or secret, and errors that could repeat it. The id, and all errors.
async fn session(service: &Running) -> (String, String) {
    let mut create = json!({
        "email": "canary.one@example.org", "username": "canary.one", "password": "open sesame one",
        "firstName": "Canaria", "lastName": "canarylast", "avatarUrl": "https://example.org/canary.png",
    });
    let user = service.ok("CreateUser", create.clone()).await["user"].clone();
    let id = user["id"].as_str().unwrap().to_owned();
    let update = json!({"id": id, "email": "canary.two@example.org", "username": "canary.two", "firstName": "canaryfirst"});
    service.ok("UpdateUser", update).await;
    let change = json!({"id": id, "oldPassword": "open sesame one", "newPassword": "open sesame two"});
    service.ok("ChangePassword", change).await;
    let bcrypt = bcrypt::hash("open sesame three", 4).unwrap();
    service.ok("SetPassword", json!({"id": id, "passwordHash": bcrypt})).await;
    let login = json!({"email": "canary.two@example.org", "password": "open sesame three"});
    assert_eq!(service.ok("VerifyPassword", login).await["valid"], json!(true));
    service.ok("SuspendUser", json!({"id": id, "reason": "canaryreason"})).await;
    service.ok("GetUser", json!({"username": "canary.two"})).await;
    service.ok("ListUsers", json!({})).await;
    service.ok("ListUserEvents", json!({"id": id})).await;
    get(service, "canary.two@example.org").await;
    create["email"] = json!("canary.two@example.org");
    (id.clone(), errors(service, &id, create).await)
}

/// A query in the address, as Connect allows it for calls without side effects.
async fn get(service: &Running, email: &str) {
    let message = format!("%7B%22email%22%3A%22{email}%22%7D");
    let request = format!(
        "GET /user.v1.UserService/GetUser?connect=v1&encoding=json&message={message} HTTP/1.0\r\nhost: localhost\r\n\r\n"
    );
    let mut stream = TcpStream::connect(service.address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.contains("canary.two"), "{answer}");
}

/// The bodies of calls that fail, all of which bring something that must not come back.
async fn errors(service: &Running, id: &str, create: Value) -> String {
    let mut errors = String::new();
    let with = |field: &str, value: &str| {
        let mut request = create.clone();
        request[field] = json!(value);
        request
    };
    for (call, request) in [
        ("CreateUser", with("username", "canary.three")),
        ("CreateUser", with("email", "canary")),
        ("CreateUser", with("username", "canary canary")),
        ("CreateUser", with("avatarUrl", "http://canary")),
        ("CreateUser", with("password", "sesame")),
        ("CreateUser", with("email", "canary.two@example.org")),
        ("GetUser", json!({"email": "canary.nobody@example.org"})),
        ("GetUser", json!({"email": "canary"})),
        ("GetUser", json!({"id": "canary"})),
        ("UpdateUser", json!({"id": id, "updateMask": "canary"})),
        ("UpdateUser", json!({"id": id, "etag": "canary", "firstName": "canary"})),
        ("ListUsers", json!({"pageToken": "canary"})),
        ("ChangePassword", json!({"id": id, "oldPassword": "sesame", "newPassword": "open sesame four"})),
        ("SetPassword", json!({"id": id, "passwordHash": "sesame sesame"})),
        ("SuspendUser", json!({"id": id, "reason": "canary\ncanary"})),
    ] {
        let answer = post(service.address, call, &request.to_string()).await;
        assert_ne!(answer.status, 200, "{call} {request}");
        errors = errors + call + " " + &answer.body.to_string() + "\n";
    }
    errors
}

/// Every row of every table, with the table's name.
pub(crate) async fn everything(place: &Place) -> String {
    let ask = match place {
        // What an index of texts holds stands in tables of its own.
        Place::Sqlite(_) => {
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL TABLE%'"
        }
        Place::Postgres(_) => {
            "SELECT table_schema || '.' || table_name FROM information_schema.tables \
             WHERE table_schema LIKE 'user_service%'"
        }
    };
    let mut text = String::new();
    for table in place.rows(ask).await.concat() {
        for row in place.rows(&format!("SELECT * FROM {table}")).await {
            text = text + &table + " " + &row.join(" ") + "\n";
        }
    }
    text
}

/// The embedded store's files, byte by byte.
pub(crate) fn bytes(place: &Place) -> String {
    match place {
        Place::Postgres(_) => String::new(),
        Place::Sqlite(folder) => {
            let files = fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().path());
            let files = files.filter(|file| file.is_file());
            files.map(|file| String::from_utf8_lossy(&fs::read(file).unwrap()).into_owned()).collect()
        }
    }
}

async fn canaries_stay_where_they_belong(place: &Place) {
    let talkative = [("USER_SERVICE_MASTER_KEY", MASTER_KEY), ("USER_SERVICE_LOG", "trace")];
    let service = Running::serve_with(place, &[], &talkative).await;
    let (id, errors) = session(&service).await;
    nothing_of(&[PERSONAL, SECRET, "$argon2id", "$2b$"], &errors, "an error");
    let said = service.stop().await;
    assert!(said.stderr.contains("DEBUG"), "the log says all that it can");
    let words = [PERSONAL, SECRET, "$argon2id", "$2b$", MASTER_KEY];
    nothing_of(&words, &(said.stdout.replace("correct horse battery", "") + &said.stderr), "the log");
    for row in place.rows("SELECT data, actor, event_type FROM events").await {
        nothing_of(&words, &row.join(" "), "the open part of an event");
    }
    let (rows, raw) = (everything(place).await, bytes(place));
    nothing_of(&[SECRET, MASTER_KEY], &(rows.clone() + &raw), "the store");
    assert!(holds(&rows, PERSONAL), "the read model holds what is personal, and this test would see it");

    let service = Running::serve_with(place, &[], &talkative).await;
    for call in ["DeleteUser", "EraseUser"] {
        service.ok(call, json!({"id": id})).await;
    }
    nothing_of(
        &[PERSONAL, "$argon2id"],
        &service.ok("ListUserEvents", json!({"id": id})).await.to_string(),
        "a history",
    );
    let said = service.stop().await;
    nothing_of(&words, &(said.stdout + &said.stderr), "the log");
    nothing_of(&[PERSONAL, SECRET, "$argon2id", "$2b$"], &everything(place).await, "a table after erasure");
    nothing_of(&[PERSONAL, SECRET, "$argon2id", "$2b$"], &bytes(place), "the file after erasure");
}
