//! The master key is rotated: first every instance is given the new one, then all is wrapped anew, then it is the current one.

use std::path::PathBuf;

use serde_json::json;
use tempfile::TempDir;
use tokio::task::JoinSet;

use super::{Running, Said, user_service};
use crate::stage::{MASTER_KEY, PASSWORD, Place, on_both_places, post};

on_both_places!(
    keys_are_wrapped_anew_while_the_service_goes_on,
    a_key_that_the_service_was_not_given_wraps_nothing,
    keys_are_wrapped_anew_while_nobody_serves,
);

const NEW_KEY: &str = "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff";

/// More than one step of a rotation looks at is too many to hash for; more than one statement wraps is enough.
const USERS: u32 = 11;

/// Keys as files, and the sockets of the services that have them.
struct Keys {
    folder: TempDir,
}

impl Keys {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, key) in [("old", MASTER_KEY), ("new", NEW_KEY)] {
            std::fs::write(folder.path().join(name), key).unwrap();
        }
        Self { folder }
    }

    fn file(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    fn socket(&self, name: &str) -> PathBuf {
        self.folder.path().join(format!("{name}.sock"))
    }

    /// A service with a current key, and perhaps an older one, and a socket with a name.
    async fn serve(&self, place: &Place, name: &str, current: &str, older: Option<&str>) -> Running {
        let (socket, current) = (self.socket(name).display().to_string(), self.file(current));
        let older = older.map(|older| self.file(older));
        let mut more = vec!["--admin-socket", &socket, "--master-key-file", &current];
        more.extend(older.iter().flat_map(|older| ["--old-master-keys-file", older.as_str()]));
        Running::serve_with(place, &more, &[]).await
    }

    async fn key(&self, place: &Place, service: &str, words: &[&str]) -> Said {
        let (url, socket) = (place.url(), self.socket(service).display().to_string());
        let base = ["key", "--store", &url, "--admin-socket", &socket];
        user_service(&[&base, words].concat(), &[("USER_SERVICE_MASTER_KEY", MASTER_KEY)]).await
    }

    async fn rotate(&self, place: &Place, service: &str) -> Said {
        self.key(place, service, &["rotate", "--new-master-key-file", &self.file("new")]).await
    }
}

async fn create(service: &Running, name: &str) -> String {
    let request = json!({"email": format!("{name}@example.org"), "username": name, "password": PASSWORD});
    service.ok("CreateUser", request).await["user"]["id"].as_str().unwrap().to_owned()
}

async fn create_some(service: &Running) -> Vec<String> {
    let mut ids = Vec::new();
    for n in 0..USERS {
        ids.push(create(service, &format!("user{n}")).await);
    }
    ids
}

/// Under how many master keys the users' keys are, and how many they are.
async fn wrapped(place: &Place) -> (String, String) {
    let counted = place.rows("SELECT count(DISTINCT key_id), count(*) FROM user_secret").await;
    (counted[0][0].clone(), counted[0][1].clone())
}

#[track_caller]
fn says(said: &Said, what: &str) {
    assert!(said.stdout.contains(what), "{what} is not in {}{}", said.stdout, said.stderr);
}

async fn keys_are_wrapped_anew_while_the_service_goes_on(place: &Place) {
    let keys = Keys::new();
    let service = keys.serve(place, "first", "old", Some("new")).await;
    // On PostgreSQL another instance writes as well.
    let other = match place {
        Place::Postgres(_) => Some(keys.serve(place, "second", "old", Some("new")).await),
        Place::Sqlite(_) => None,
    };
    let ids = create_some(&service).await;
    service.ok("DeleteUser", json!({"id": ids[0]})).await;
    let mut callers = JoinSet::new();
    for (address, id) in [(service.address, &ids[1]), (other.as_ref().unwrap_or(&service).address, &ids[2])] {
        let id = id.clone();
        callers.spawn(async move {
            for n in 0..20 {
                let change = json!({"id": id, "firstName": format!("Alice{n}")}).to_string();
                assert_eq!(post(address, "UpdateUser", &change).await.status, 200);
            }
        });
    }
    let (said, _) = tokio::join!(keys.rotate(place, "first"), service.ok("EraseUser", json!({"id": ids[0]})));
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert!(!said.stdout.contains(NEW_KEY) && !said.stderr.contains(NEW_KEY));
    callers.join_all().await;
    assert_eq!(
        wrapped(place).await,
        ("1".to_owned(), (USERS - 1).to_string()),
        "whoever was erased stays so"
    );
    says(&keys.rotate(place, "first").await, "0 users' keys were wrapped anew");

    // Until the new key is the current one, new users are under the old one.
    let late = create(other.as_ref().unwrap_or(&service), "late").await;
    assert_eq!(wrapped(place).await, ("2".to_owned(), USERS.to_string()));
    for service in [Some(service), other].into_iter().flatten() {
        service.stop().await;
    }
    let service = keys.serve(place, "first", "new", Some("old")).await;
    says(&keys.key(place, "first", &["rotate"]).await, "1 users' keys were wrapped anew");
    says(&keys.key(place, "first", &["status"]).await, &format!("wraps the keys of {USERS} users"));
    service.stop().await;

    let service = keys.serve(place, "first", "new", None).await;
    for id in [&ids[1], &late] {
        let events = service.ok("ListUserEvents", json!({"id": id})).await;
        assert!(events.to_string().contains("@example.org"), "her past is readable: {events}");
        let login = json!({"id": id, "password": PASSWORD});
        assert_eq!(service.ok("VerifyPassword", login).await["valid"], json!(true));
    }
    service.stop().await;
    let url = place.url();
    let said = user_service(&["doctor", "--store", &url, "--master-key-file", &keys.file("new")], &[]).await;
    assert_eq!(said.code, Some(0), "{}{}", said.stdout, said.stderr);
    let serve = ["serve", "--store", &url, "--master-key-file", &keys.file("old")];
    let said = user_service(&serve, &[]).await;
    assert!(said.stderr.contains("none of the given master keys"), "{}", said.stderr);
}

async fn a_key_that_the_service_was_not_given_wraps_nothing(place: &Place) {
    let keys = Keys::new();
    let service = keys.serve(place, "first", "old", None).await;
    create(&service, "alice").await;
    let said = keys.rotate(place, "first").await;
    assert_eq!(said.code, Some(1), "{}", said.stdout);
    assert!(said.stderr.contains("hand it to every instance first"), "{}", said.stderr);
    says(&keys.key(place, "first", &["status"]).await, "wraps the keys of 1 users");
    service.stop().await;
    keys.serve(place, "first", "old", None).await.stop().await;
}

async fn keys_are_wrapped_anew_while_nobody_serves(place: &Place) {
    let keys = Keys::new();
    let service = keys.serve(place, "first", "old", None).await;
    create(&service, "alice").await;
    service.stop().await;
    says(&keys.rotate(place, "nobody").await, "1 users' keys were wrapped anew");
    let service = keys.serve(place, "first", "new", None).await;
    let found = service.ok("GetUser", json!({"username": "alice"})).await;
    assert_eq!(found["user"]["email"], "alice@example.org");
    service.stop().await;
}
