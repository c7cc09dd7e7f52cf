//! What it says when it starts, and when it does not.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Running, user_service};
use crate::stage::{MASTER_KEY, PASSWORD, Place, on_both_places, post, refusal_of};

on_both_places!(another_master_key_is_refused, a_master_key_comes_from_a_file_as_well);

const OTHER_KEY: &str = "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff";

const SERVE: [&str; 5] = ["serve", "--grpc-addr", "127.0.0.1:0", "--http-addr", "127.0.0.1:0"];

/// What it says instead of starting.
async fn refused(more: &[&str], environment: &[(&str, &str)]) -> String {
    let said = user_service(&[&SERVE, more].concat(), environment).await;
    assert_eq!((said.code, said.stdout.as_str()), (Some(1), ""), "{}", said.stderr);
    said.stderr
}

#[track_caller]
fn says(text: &str, what: &[&str]) {
    assert!(what.iter().all(|what| text.contains(what)), "{what:?} is not all in {text}");
}

async fn another_master_key_is_refused(place: &Place) {
    Running::serve(place).await.stop().await;
    let url = place.url();
    let said = refused(&["--store", &url], &[("USER_SERVICE_MASTER_KEY", OTHER_KEY)]).await;
    says(&said, &["none of the given master keys is the one that this store was made with"]);
    let said = refused(&["--store", &url], &[("USER_SERVICE_MASTER_KEY", "0102")]).await;
    says(&said, &["a master key is 64 hex digits"]);
    assert!(!said.contains("0102"), "a key is never printed: {said}");
    Running::serve(place).await.stop().await;
}

async fn a_master_key_comes_from_a_file_as_well(place: &Place) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    fs::write(&file, format!("{MASTER_KEY}\n")).unwrap();
    let file = file.to_str().unwrap();
    Running::serve(place).await.stop().await;
    let service = Running::serve_with(place, &["--master-key-file", file], &[]).await;
    service.ok("ListUsers", json!({})).await;
    service.stop().await;
    let service = Running::serve_with(place, &[], &[("USER_SERVICE_MASTER_KEY_FILE", file)]).await;
    service.stop().await;
}

#[tokio::test]
async fn the_first_start_makes_what_it_needs_and_says_where() {
    let place = Place::sqlite();
    let service = Running::serve_with(&place, &[], &[]).await;
    let folder = place.file().parent().unwrap().to_owned();
    let key = fs::read_to_string(folder.join("master.key")).unwrap();
    let file = place.file().display().to_string();
    says(&service.announced, &["users       http://127.0.0.1:", "operations  http://127.0.0.1:", &file]);
    says(&service.announced, &["!! A master key was made", "master.key", "has lost every user"]);
    for private in ["users.db", "master.key"] {
        let mode = fs::metadata(folder.join(private)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{private}");
    }
    let said = service.stop().await;
    assert!(!said.stdout.contains(key.trim()) && !said.stderr.contains(key.trim()));
    let again = Running::serve_with(&place, &[], &[]).await.stop().await;
    assert!(!again.stdout.contains("!!"), "the second start has nothing to warn of: {}", again.stdout);
}

#[tokio::test]
async fn two_services_never_share_a_folder() {
    let place = Place::sqlite();
    let first = Running::serve_with(&place, &[], &[]).await;
    says(&refused(&["--store", &place.url()], &[]).await, &["another service is using"]);
    let beside = format!("{}.other", place.url());
    says(&refused(&["--store", &beside], &[]).await, &["another service is using"]);
    assert_eq!(first.stop().await.code, Some(0));
}

#[tokio::test]
async fn a_lost_master_key_is_not_replaced() {
    let place = Place::sqlite();
    Running::serve_with(&place, &[], &[]).await.stop().await;
    fs::remove_file(place.file().with_file_name("master.key")).unwrap();
    let said = refused(&["--store", &place.url()], &[]).await;
    says(&said, &["master.key is missing", "USER_SERVICE_MASTER_KEY"]);
}

#[tokio::test]
async fn on_postgres_a_master_key_must_be_given() {
    let place = Place::postgres().await;
    let said = refused(&["--store", &place.url()], &[]).await;
    says(&said, &["on PostgreSQL the master key must be given", "USER_SERVICE_MASTER_KEY"]);
}

#[tokio::test]
async fn a_service_hides_unless_it_is_told_not_to() {
    let place = Place::sqlite();
    let url = place.url();
    for address in ["--grpc-addr", "--http-addr"] {
        let arguments = ["serve", "--store", &url, address, "0.0.0.0:0"];
        let said = user_service(&arguments, &[]).await;
        assert_eq!((said.code, said.stdout.as_str()), (Some(1), ""));
        says(&said.stderr, &["0.0.0.0 is not a loopback address", "--allow-unprotected"]);
    }
    assert!(!place.file().exists(), "nothing was made for a service that does not start");
}

#[tokio::test]
async fn a_web_page_is_no_caller_of_this_machine() {
    let (place, open) = (Place::sqlite(), Place::sqlite());
    let service = Running::serve(&place).await;
    let key = ("USER_SERVICE_MASTER_KEY", MASTER_KEY);
    let exposed = Running::serve_with(&open, &["--allow-unprotected"], &[key]).await;
    for (host, status) in
        [("localhost:9090", 200), ("127.0.0.1", 200), ("evil.example", 403), ("10.0.0.1:80", 403)]
    {
        let asked = async |address| {
            get_as(address, host, "/user.v1.UserService/ListUsers?encoding=json&message=%7B%7D").await
        };
        assert_eq!(asked(service.address).await, status, "{host}");
        assert_eq!(asked(exposed.address).await, 200, "{host}");
        assert_eq!(get_as(service.address, host, "/openapi.json").await, status, "{host}");
    }
    service.stop().await;
    exposed.stop().await;
}

/// The status of what is asked for under the name of a host.
async fn get_as(address: SocketAddr, host: &str, path: &str) -> u16 {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer[9..12].parse().expect("a status")
}

#[tokio::test]
async fn a_wrong_setting_is_named() {
    let place = Place::sqlite();
    let url = place.url();
    for variable in ["GRPC_PORT", "PORT"] {
        let said = user_service(&["serve", "--store", &url], &[(variable, "http"), ("HOME", "/")]).await;
        assert_eq!(said.code, Some(2));
        says(&said.stderr, &[variable, "must be a port", "\"http\""]);
    }
    let said = user_service(&["doctor", "--store", "mysql://secret@host/db"], &[]).await;
    assert_eq!(said.code, Some(2));
    says(&said.stderr, &["--store", "sqlite:PATH or postgres://"]);
    assert!(!said.stderr.contains("secret"), "{}", said.stderr);
    says(&refused(&["--store", &url, "--password-bytes-min", "7"], &[]).await, &["between 8 and 1024"]);
    says(&refused(&["--store", &url, "--argon2-passes", "1"], &[]).await, &["at least 19456 KiB, 2 passes"]);
    assert!(!place.file().exists());
}

#[tokio::test]
async fn a_file_sets_what_nobody_else_does() {
    let (place, other) = (Place::sqlite(), Place::sqlite());
    let file = place.file().with_file_name("settings.toml");
    let write = |text: &str| fs::write(&file, text).unwrap();
    let path = file.to_str().expect("it was made of text");
    let key = ("USER_SERVICE_MASTER_KEY", MASTER_KEY);
    write(&format!("store = {:?}\npassword_bytes_min = 20\nlog_format = \"json\"\n", place.url()));

    let service = Running::serve_with(&other, &["--config", path], &[key]).await;
    assert!(service.announced.contains(&other.file().display().to_string()), "the flag says where");
    let create =
        json!({"email": "alice@example.org", "username": "alice", "password": "nineteen characters"});
    let refused = post(service.address, "CreateUser", &create.to_string()).await;
    assert_eq!(refusal_of(&refused.body), "invalid_argument TOO_SHORT password", "the file says how long");
    let log = service.stop().await.stderr;
    assert!(log.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()), "in JSON: {log}");

    let environment = [key, ("USER_SERVICE_CONFIG", path), ("USER_SERVICE_PASSWORD_BYTES_MIN", "8")];
    let service = Running::serve_with(&other, &[], &environment).await;
    service.ok("CreateUser", create).await;
    service.stop().await;
    assert!(!place.file().exists());
    assert_eq!(user_service(&["migrate"], &[key, ("USER_SERVICE_CONFIG", path)]).await.code, Some(0));
    assert!(place.file().exists(), "other commands read it too");
}

#[tokio::test]
async fn what_is_wrong_in_a_file_is_named() {
    let place = Place::sqlite();
    let file = place.file().with_file_name("settings.toml");
    let path = file.to_str().expect("it was made of text");
    for (text, wrong) in [
        ("stroe = \"sqlite:x\"", vec!["settings.toml, stroe", "no setting of this name"]),
        ("password_bytes_min = \"many\"", vec!["settings.toml, password_bytes_min", "invalid value 'many'"]),
        ("repair = true", vec!["settings.toml, repair", "no setting of this name"]),
        ("store = [1]", vec!["settings.toml, store", "must be a text"]),
        ("store = \"mysql://secret@db\"", vec!["settings.toml, store", "sqlite:PATH or postgres://"]),
        ("log_format = \"xml\"", vec!["settings.toml, log_format", "human, json"]),
        ("# fine\nstore = secret", vec!["settings.toml, line 2"]),
        ("config = \"other.toml\"", vec!["settings.toml, config", "no setting of this name"]),
    ] {
        fs::write(&file, text).unwrap();
        let said = user_service(&["serve", "--config", path], &[]).await;
        assert_eq!(said.code, Some(2), "{text}: {}", said.stderr);
        says(&said.stderr, &wrong);
        assert!(!said.stderr.contains("secret"), "{}", said.stderr);
    }
    let said = user_service(&["serve", "--config", "nowhere.toml"], &[]).await;
    says(&said.stderr, &["cannot read nowhere.toml"]);
}

#[tokio::test]
async fn the_predecessors_deployment_starts_this_service() {
    let database =
        [("DB_HOST", "127.0.0.1"), ("DB_PORT", "1"), ("DB_PASSWORD", "secret"), ("DB_NAME", "users")];
    let environment = [&database[..], &[("USER_SERVICE_MASTER_KEY", MASTER_KEY)]].concat();
    let said = user_service(&SERVE, &environment).await;
    assert_eq!(said.code, Some(1));
    assert!(!said.stderr.contains("secret") && !said.stderr.contains("sqlite"), "{}", said.stderr);
    let said = user_service(&["serve"], &[("DB_HOST", "db"), ("DB_SSL_MODE", "prefer")]).await;
    says(&said.stderr, &["DB_SSL_MODE must be one of disable, require, verify-ca, verify-full"]);
}

#[tokio::test]
async fn what_helps_in_a_shell_is_printed() {
    for (arguments, wanted) in [
        (vec!["config"], "grpc_addr = \"127.0.0.1:9090\""),
        (vec!["completions", "bash"], "complete -F"),
        (vec!["man"], ".SH SUBCOMMANDS"),
    ] {
        let said = user_service(&arguments, &[]).await;
        assert_eq!(said.code, Some(0), "{}", said.stderr);
        assert!(said.stdout.contains(wanted), "{arguments:?}");
    }
}

#[tokio::test]
async fn nobody_has_to_read_what_is_printed() {
    let place = Place::sqlite();
    Running::serve_with(&place, &[], &[]).await.stop().await;
    for arguments in
        [vec!["projection", "list"], vec!["doctor", "--sample", "1"], vec!["migrate"], vec!["config"]]
    {
        let (reader, closed) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_user-service"));
        command.args(&arguments).args(["--log", "off"]).env_clear().env("USER_SERVICE_STORE", place.url());
        let ended = command.stdout(closed).stderr(std::process::Stdio::piped()).output().unwrap();
        let said = String::from_utf8_lossy(&ended.stderr);
        assert!(ended.status.success() && said.is_empty(), "{arguments:?}: {} {said}", ended.status);
    }
}

#[tokio::test]
async fn whoever_owns_the_folder_can_accept_the_clock() {
    let place = Place::sqlite();
    let (url, socket) = (place.url(), place.file().with_file_name("admin.sock"));
    let service = Running::serve_with(&place, &[], &[]).await;
    let metadata = fs::metadata(&socket).unwrap();
    assert!(metadata.file_type().is_socket());
    assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
    let said = user_service(&["accept-clock", "--store", &url], &[]).await;
    assert_eq!((said.code, said.stdout.as_str()), (Some(0), "the clock is accepted\n"), "{}", said.stderr);
    let create = json!({"email": "alice@example.org", "username": "alice", "password": PASSWORD});
    service.ok("CreateUser", create).await;
    service.stop().await;
    let said = user_service(&["accept-clock", "--store", &url], &[]).await;
    assert_eq!(said.code, Some(1));
    says(&said.stderr, &["no service answers on"]);
}
