//! Tokens from the command line: made over the admin socket, shown from a file, revoked, and never to be found anywhere.

use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use super::{Running, Said, user_service};
use crate::stage::{Answer, MASTER_KEY, PASSWORD, Place, get, on_both_places, post_with, refusal_of};

on_both_places!(a_token_is_made_used_and_revoked, a_secret_is_seen_nowhere);

/// The promise is 5 seconds. A machine that is busy with other tests may take longer to show it.
const SOON: Duration = Duration::from_secs(30);

/// A service that wants tokens, with a socket of its own.
struct Guarded {
    service: Running,
    folder: TempDir,
}

impl Guarded {
    async fn serve(place: &Place) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("s");
        let more = ["--require-tokens", "--admin-socket", socket.to_str().unwrap()];
        let environment = [("USER_SERVICE_MASTER_KEY", MASTER_KEY), ("USER_SERVICE_LOG", "trace")];
        Self { service: Running::serve_with(place, &more, &environment).await, folder }
    }

    async fn token(&self, words: &[&str]) -> Said {
        let socket = self.folder.path().join("s");
        user_service(&[&["token"], words, &["--admin-socket", socket.to_str().unwrap()]].concat(), &[]).await
    }

    /// A new token, and its id.
    async fn create(&self, name: &str, scopes: &[&str]) -> (String, String) {
        let scopes = scopes.iter().flat_map(|scope| ["--scope", scope]).collect::<Vec<_>>();
        let said = self.token(&[&["create", "--name", name, "--expires", "90d"], &*scopes].concat()).await;
        assert_eq!(said.code, Some(0), "{}", said.stderr);
        let id = said.stderr.split([' ', ':']).nth(1).expect("it names the token").to_owned();
        (said.stdout.trim_end().to_owned(), id)
    }

    async fn call(&self, token: &str, call: &str, request: &Value) -> Answer {
        let shown = format!("Bearer {token}");
        post_with(self.service.address, call, &[("authorization", &shown)], &request.to_string()).await
    }
}

fn alice() -> Value {
    json!({"email": "alice@example.org", "username": "alice", "password": PASSWORD})
}

async fn a_token_is_made_used_and_revoked(place: &Place) {
    let guarded = Guarded::serve(place).await;
    let (token, id) = guarded.create("svc:tests", &["read", "write"]).await;
    assert_eq!(guarded.call(&token, "CreateUser", &alice()).await.status, 200);

    let (file, api) = (guarded.folder.path().join("token"), format!("http://{}", guarded.service.address));
    std::fs::write(&file, format!("{token}\n")).unwrap();
    let ask = ["users", "--api", &api, "get", "--username", "alice"];
    let refused = user_service(&ask, &[]).await;
    assert!(refused.code == Some(1) && refused.stderr.contains("(MISSING_TOKEN)"), "{}", refused.stderr);
    let by_file = user_service(&[&ask[..], &["--token-file", file.to_str().unwrap()]].concat(), &[]).await;
    let by_environment = user_service(&ask, &[("USER_SERVICE_TOKEN", &token)]).await;
    for said in [by_file, by_environment] {
        assert!(said.code == Some(0) && said.stdout.contains("alice@example.org"), "{}", said.stderr);
    }

    let listed = guarded.token(&["list", "--json"]).await;
    let listed: Value = serde_json::from_str(listed.stdout.trim_end()).expect("it is one token");
    assert_eq!(
        (&listed["id"], &listed["name"], &listed["scopes"]),
        (&json!(id), &json!("svc:tests"), &json!("read write"))
    );
    assert!(guarded.token(&["list"]).await.stdout.contains("svc:tests"));

    let wrong = guarded.token(&["create", "--name", "alice@example.org", "--scope", "read"]).await;
    assert!(
        wrong.code == Some(1) && wrong.stderr.contains("without spaces and without @"),
        "{}",
        wrong.stderr
    );
    let nobody = guarded.token(&["revoke", "01890000-0000-7000-8000-000000000000"]).await;
    assert!(nobody.code == Some(1) && nobody.stderr.contains("there is no such token"), "{}", nobody.stderr);
    for _ in 0..2 {
        let said = guarded.token(&["revoke", &id]).await;
        assert!(said.code == Some(0) && said.stdout.starts_with("revoked"), "{}", said.stderr);
        let answer = guarded.call(&token, "GetUser", &json!({"username": "alice"})).await;
        assert_eq!(refusal_of(&answer.body), "unauthenticated INVALID_TOKEN");
    }
    assert_eq!(guarded.service.stop().await.code, Some(0));
}

async fn a_secret_is_seen_nowhere(place: &Place) {
    let guarded = Guarded::serve(place).await;
    let (token, id) = guarded.create("svc:tests", &["read", "write", "audit"]).await;
    let secret = &token[token.len() - 43..];
    let mut seen = String::new();
    for (call, request) in [
        ("CreateUser", alice()),
        ("CreateUser", json!({"email": "x"})),
        ("EraseUser", json!({"id": "x"})),
        ("ListEvents", json!({})),
        ("ListUserEvents", json!({"id": "x"})),
    ] {
        seen += &guarded.call(&token, call, &request).await.body.to_string();
    }
    let forged = token.replace("ust_0", "ust_f");
    seen += &guarded.call(&forged, "ListUsers", &json!({})).await.body.to_string();
    seen += &guarded.call(&format!("{token}x"), "ListUsers", &json!({})).await.body.to_string();
    for path in ["/metrics", "/readyz", "/healthz"] {
        seen += &get(guarded.service.operations, path).await.1;
    }
    assert!(seen.contains("api_token.created") && seen.contains("INVALID_TOKEN"));
    let said = guarded.service.stop().await;
    assert!(said.stderr.contains("DEBUG"), "the log says all that it can");
    assert!(said.stderr.contains(&format!("token:{id}")), "calls are logged with the id of their token");
    seen = seen
        + &said.stdout
        + &said.stderr
        + &crate::secrets::everything(place).await
        + &crate::secrets::bytes(place);
    let line = seen.lines().find(|line| line.contains(secret));
    assert!(line.is_none(), "the secret is in {}", line.unwrap_or_default());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_instance_revokes_all_refuse() {
    let place = Place::postgres().await;
    let (first, second) = tokio::join!(Guarded::serve(&place), Guarded::serve(&place));
    let (token, id) = first.create("svc:tests", &["read"]).await;
    for guarded in [&first, &second] {
        assert_eq!(guarded.call(&token, "ListUsers", &json!({})).await.status, 200);
    }
    assert_eq!(first.token(&["revoke", &id]).await.code, Some(0));
    let until = Instant::now() + SOON;
    while second.call(&token, "ListUsers", &json!({})).await.status == 200 {
        assert!(Instant::now() < until, "it is still valid elsewhere");
        sleep(Duration::from_millis(50)).await;
    }
    for guarded in [first, second] {
        let answer = guarded.call(&token, "ListUsers", &json!({})).await;
        assert_eq!(refusal_of(&answer.body), "unauthenticated INVALID_TOKEN");
        guarded.service.stop().await;
    }
}
