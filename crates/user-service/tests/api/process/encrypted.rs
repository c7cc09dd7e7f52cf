//! The binary behind TLS: who may ask it, and how it comes to newer certificates.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;

use rustix::process::Signal;

use super::{Running, Said, user_service};
use crate::authority::{Authority, Pair};
use crate::stage::{MASTER_KEY, PASSWORD, Place, get};

/// Files as `serve` names them.
struct Shown {
    certificate: String,
    key: String,
    client_ca: String,
}

impl Shown {
    /// Where an authority's pair lies, and who signs for callers.
    fn of(pair: &Pair, callers: &Authority) -> Self {
        let text = |path: &std::path::Path| path.display().to_string();
        Self { certificate: text(&pair.certificate), key: text(&pair.key), client_ca: text(&callers.root()) }
    }

    fn encrypted(&self) -> [&str; 4] {
        ["--tls-certificate", &self.certificate, "--tls-key", &self.key]
    }

    async fn serve(&self, place: &Place) -> Running {
        let arguments = [&self.encrypted()[..], &["--tls-client-ca", &self.client_ca]].concat();
        Running::serve_with(place, &arguments, &[("USER_SERVICE_MASTER_KEY", MASTER_KEY)]).await
    }

    /// Another pair in the same place: first the key, so that for a moment they do not belong together.
    fn replace(&self, pair: &Pair) {
        fs::copy(&pair.key, &self.key).unwrap();
        fs::copy(&pair.certificate, &self.certificate).unwrap();
    }
}

async fn list(address: SocketAddr, believed: &Authority, own: Option<&Pair>) -> Said {
    ask(address, believed, own, &["users", "list"]).await
}

/// What the command line says of a service that it believes by an authority.
async fn ask(address: SocketAddr, believed: &Authority, own: Option<&Pair>, what: &[&str]) -> Said {
    let (api, ca) = (format!("https://localhost:{}", address.port()), believed.root().display().to_string());
    let mut environment = vec![("USER_SERVICE_API", api), ("USER_SERVICE_TLS_CA", ca)];
    if let Some(own) = own {
        environment.push(("USER_SERVICE_CLIENT_CERTIFICATE", own.certificate.display().to_string()));
        environment.push(("USER_SERVICE_CLIENT_KEY", own.key.display().to_string()));
    }
    let environment: Vec<_> = environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
    user_service(what, &environment).await
}

/// Asks until a metric has a value.
async fn until_refused(service: &Running, refused: &str) {
    let wanted = format!("\nuser_service_certificate_refused {refused}");
    while !get(service.operations, "/metrics").await.1.contains(&wanted) {}
}

#[tokio::test]
async fn the_command_line_talks_to_who_can_prove_it_and_proves_itself() {
    let (place, authority, another) = (Place::sqlite(), Authority::new(), Authority::new());
    let service = Shown::of(&authority.issue(&["localhost"]), &authority).serve(&place).await;
    assert!(service.announced.contains("users       https://127.0.0.1:"), "{}", service.announced);
    assert!(service.announced.contains("operations  http://127.0.0.1:"), "{}", service.announced);
    let own = authority.issue(&["operator.example"]);
    let said = list(service.address, &authority, Some(&own)).await;
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let stranger = list(service.address, &authority, Some(&another.issue(&["operator.example"]))).await;
    assert_eq!((stranger.code, list(service.address, &authority, None).await.code), (Some(1), Some(1)));
    let said = list(service.address, &another, Some(&own)).await;
    assert_eq!(said.code, Some(1));
    assert!(
        said.stderr.contains("is not talked to") && said.stderr.contains("UnknownIssuer"),
        "{}",
        said.stderr
    );
    let api = format!("https://localhost:{}", service.address.port());
    let said = user_service(&["users", "list", "--api", &api], &[]).await;
    assert!(said.stderr.contains("say --tls-ca"), "{}", said.stderr);
    let metrics = get(service.operations, "/metrics").await.1;
    for name in ["server", "client_ca"] {
        let expires = format!("user_service_certificate_expires_timestamp_seconds{{certificate=\"{name}\"}}");
        assert!(metrics.contains(&expires), "{metrics}");
    }
    service.stop().await;
}

#[tokio::test]
async fn certificates_are_taken_anew_at_a_signal_and_when_their_files_change() {
    let (place, before, after) = (Place::sqlite(), Authority::new(), Authority::new());
    let shown = Shown::of(&before.issue(&["localhost"]), &before);
    let service = shown.serve(&place).await;
    let (own, own_after) = (before.issue(&["operator.example"]), after.issue(&["operator.example"]));
    assert_eq!(list(service.address, &before, Some(&own)).await.code, Some(0));

    fs::copy(after.root(), &shown.client_ca).unwrap();
    shown.replace(&after.issue(&["localhost"]));
    service.signal(Signal::HUP);
    while list(service.address, &after, Some(&own_after)).await.code != Some(0) {}
    assert_eq!(
        list(service.address, &after, Some(&own)).await.code,
        Some(1),
        "nobody signs for her any more"
    );

    let again = Authority::new();
    shown.replace(&again.issue(&["localhost"]));
    while list(service.address, &again, Some(&own_after)).await.code != Some(0) {}

    fs::write(&shown.key, "half a key").unwrap();
    until_refused(&service, "1").await;
    assert_eq!(
        list(service.address, &again, Some(&own_after)).await.code,
        Some(0),
        "the one from before is served"
    );
    shown.replace(&again.issue(&["localhost"]));
    until_refused(&service, "0").await;
    let log = service.stop().await.stderr;
    assert_eq!(log.matches("the new certificate is not taken").count(), 1, "{log}");
}

#[tokio::test]
async fn a_key_that_everybody_reads_and_a_certificate_whose_time_is_over_are_remarked() {
    let (place, authority) = (Place::sqlite(), Authority::new());
    let pair = authority.issue_expired(&["localhost"]);
    fs::set_permissions(&pair.key, fs::Permissions::from_mode(0o644)).unwrap();
    let log = Shown::of(&pair, &authority).serve(&place).await.stop().await.stderr;
    assert!(log.contains("everybody on this machine can read the key"), "{log}");
    assert!(log.contains("the certificate is not valid now"), "{log}");
    fs::set_permissions(&pair.key, fs::Permissions::from_mode(0o640)).unwrap();
    let log = Shown::of(&pair, &authority).serve(&place).await.stop().await.stderr;
    assert!(!log.contains("everybody on this machine"), "{log}");
}

#[tokio::test]
async fn beyond_loopback_it_speaks_tls_and_knows_its_callers_or_is_told_to_do_without() {
    let (place, authority) = (Place::sqlite(), Authority::new());
    let shown = Shown::of(&authority.issue(&["localhost"]), &authority);
    let url = place.url();
    let loopback = ["--grpc-addr", "127.0.0.1:0", "--http-addr", "127.0.0.1:0"];
    let callers = ["--grpc-addr", "0.0.0.0:0", "--http-addr", "127.0.0.1:0"];
    let operators = ["--grpc-addr", "127.0.0.1:0", "--http-addr", "0.0.0.0:0"];
    for (arguments, why) in [
        (callers.to_vec(), "without TLS (--tls-certificate) and without credentials"),
        (
            [&callers[..], &shown.encrypted()].concat(),
            "without credentials (--require-tokens or --tls-client-ca)",
        ),
        (operators.to_vec(), "without TLS (--tls-certificate):"),
        ([&loopback[..], &["--tls-key", &shown.key]].concat(), "--tls-certificate and --tls-key go together"),
        (
            [&loopback[..], &["--tls-client-ca", &shown.client_ca]].concat(),
            "needs --tls-certificate and --tls-key",
        ),
    ] {
        let said = user_service(&[&["serve", "--store", &url], &arguments[..]].concat(), &[]).await;
        assert_eq!((said.code, said.stdout.as_str()), (Some(1), ""), "{}", said.stderr);
        assert!(said.stderr.contains(why), "{}", said.stderr);
    }
    assert!(!place.file().exists(), "nothing was made for a service that does not start");
    let protected = Running::serve_anywhere(
        &place,
        &[&shown.encrypted()[..], &["--tls-client-ca", &shown.client_ca]].concat(),
    )
    .await;
    assert!(protected.announced.contains("operations  https://0.0.0.0:"), "{}", protected.announced);
    let said = list(protected.address, &authority, Some(&authority.issue(&["operator.example"]))).await;
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    protected.stop().await;
}

#[tokio::test]
async fn a_certificate_is_for_what_is_said_and_names_its_caller() {
    let (place, authority) = (Place::sqlite(), Authority::new());
    let shown = Shown::of(&authority.issue(&["localhost"]), &authority);
    let billing = authority.issue(&["spiffe://example.org/billing"]);
    let secret = place.file().with_file_name("password");
    fs::write(&secret, PASSWORD).unwrap();
    let alice = ["--email", "alice@example.org", "--username", "alice", "--password-file"];
    let create = [&["users", "create"], &alice[..], &[secret.to_str().unwrap()]].concat();
    let events = ["events", "list", "--format", "jsonl"];
    let service = shown.serve(&place).await;
    let said = ask(service.address, &authority, Some(&billing), &create).await;
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let said = ask(service.address, &authority, Some(&billing), &events).await;
    assert!(said.stderr.contains("SCOPE_MISSING") || said.stderr.contains("scope audit"), "{}", said.stderr);
    let log = service.stop().await.stderr;
    assert!(log.contains("certificate:spiffe://example.org/billing"), "each call's line names her: {log}");
    let client_ca = ["--tls-client-ca", &shown.client_ca, "--certificate-scopes", "audit"];
    let arguments = [&shown.encrypted()[..], &client_ca].concat();
    let key = [("USER_SERVICE_MASTER_KEY", MASTER_KEY)];
    let service = Running::serve_with(&place, &arguments, &key).await;
    let said = ask(service.address, &authority, Some(&billing), &events).await;
    assert!(
        said.stdout.contains("certificate:spiffe://example.org/billing"),
        "{}{}",
        said.stdout,
        said.stderr
    );
    let said = list(service.address, &authority, Some(&billing)).await;
    assert!(said.stderr.contains("scope read"), "{}", said.stderr);
    service.stop().await;
}
