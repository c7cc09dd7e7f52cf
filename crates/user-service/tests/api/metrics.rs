//! `/metrics` as Prometheus reads it: well formed, moved by what happens, and silent about persons.

use std::collections::BTreeMap;

use serde_json::json;

use crate::stage::{PASSWORD, Stage, get, on_both_stores};

on_both_stores!(
    metrics_are_well_formed,
    calls_appends_and_questions_are_counted,
    projections_say_how_they_are,
    metrics_tell_nothing_about_anybody,
);

/// A scrape: each sample by its name with its labels.
struct Scrape(BTreeMap<String, f64>);

impl Scrape {
    async fn of(stage: &Stage) -> Self {
        Self::parse(&text(stage).await)
    }

    fn parse(text: &str) -> Self {
        let samples = text.lines().filter(|line| !line.starts_with('#'));
        let sample = |line: &str| {
            let (name, value) = line.rsplit_once(' ').expect("a sample has a value");
            (name.to_owned(), value.parse().expect("a value is a number"))
        };
        Self(samples.map(sample).collect())
    }

    fn value(&self, name: &str) -> f64 {
        self.0.get(name).copied().unwrap_or(0.0)
    }
}

async fn text(stage: &Stage) -> String {
    let (head, body) = get(stage.service.operations, "/metrics").await;
    assert!(head.starts_with("HTTP/1.0 200"), "{head}");
    assert!(
        head.to_lowercase()
            .contains("content-type: application/openmetrics-text; version=1.0.0; charset=utf-8")
    );
    body
}

/// Takes one family after the other: what is said of it, then its samples.
async fn metrics_are_well_formed(stage: &Stage) {
    stage.create("alice").await;
    let text = text(stage).await;
    assert!(text.ends_with("\n# EOF\n"), "{text}");
    let (mut family, mut kind, mut families) = ("", "", 0);
    for line in text.trim_end_matches("# EOF\n").lines() {
        let words: Vec<&str> = line.splitn(4, ' ').collect();
        match words[..] {
            ["#", "HELP", name, help] => {
                (family, families) = (name, families + 1);
                assert!(help.len() > 30 && help.ends_with('.'), "{line}");
            }
            ["#", "TYPE", name, of] => {
                assert_eq!(name, family, "{line}");
                kind = of;
            }
            ["#", "UNIT", name, unit] => assert!(name == family && name.ends_with(unit), "{line}"),
            [name, value, ..] => {
                let name = name.split('{').next().expect("a split has a first part");
                let end = name.strip_prefix(family).unwrap_or_else(|| panic!("{line} is not of {family}"));
                let ends: &[&str] = match kind {
                    "counter" => &["_total"],
                    "gauge" => &[""],
                    "histogram" => &["_bucket", "_sum", "_count"],
                    other => panic!("{family} is a {other}"),
                };
                assert!(ends.contains(&end) && value.parse::<f64>().is_ok(), "{line}");
            }
            _ => panic!("{line}"),
        }
    }
    assert!(families > 30, "{text}");
    ranges_add_up(&Scrape::parse(&text));
}

/// Each range of a histogram holds those below it, and the last all.
fn ranges_add_up(scrape: &Scrape) {
    let infinite = scrape.0.iter().filter(|(name, _)| name.contains("le=\"+Inf\""));
    let mut histograms = 0;
    for (name, all) in infinite {
        let (family, labels) = name.split_once("_bucket{").expect("it is a range");
        let labels = labels.replace("le=\"+Inf\"", "").replace('}', "");
        let labels = labels.trim_matches(',');
        let labels = if labels.is_empty() { String::new() } else { format!("{{{labels}}}") };
        assert_eq!(scrape.0.get(&format!("{family}_count{labels}")), Some(all), "{name}");
        histograms += 1;
    }
    assert_eq!(histograms, 3, "two of batches, one of the call");
}

async fn calls_appends_and_questions_are_counted(stage: &Stage) {
    let before = Scrape::of(stage).await;
    let alice = stage.create("alice").await;
    stage.get(&alice).await;
    stage.get(&alice).await;
    let again = json!({"email": "other@example.org", "username": "alice", "password": PASSWORD});
    assert_eq!(stage.refused("CreateUser", again).await, "already_exists USERNAME_TAKEN username");
    stage.refused("GetUser", json!({"id": "nobody"})).await;
    stage.refused("MakeCoffee", json!({})).await;
    stage.ok("VerifyPassword", json!({"username": "alice", "password": PASSWORD})).await;
    stage.ok("ListUsers", json!({})).await;
    stage.ok("ListUserEvents", json!({"id": alice.id()})).await;
    stage.change("SuspendUser", &alice).await;
    let after = Scrape::of(stage).await;
    let moved = |name: &str| after.value(name) - before.value(name);
    for (name, by) in [
        ("user_service_log_events_total", 2.0),
        ("user_service_appended_events_total", 2.0),
        ("user_service_appends_total{outcome=\"appended\"}", 2.0),
        ("user_service_append_batch_appends_count", 2.0),
        ("user_service_append_batch_appends_sum", 2.0),
        ("user_service_append_batch_seconds_count", 2.0),
        ("user_service_rpc_calls_total{method=\"CreateUser\",code=\"ok\"}", 1.0),
        ("user_service_rpc_calls_total{method=\"CreateUser\",code=\"already_exists\"}", 1.0),
        ("user_service_rpc_calls_total{method=\"GetUser\",code=\"ok\"}", 2.0),
        ("user_service_rpc_calls_total{method=\"GetUser\",code=\"invalid_argument\"}", 1.0),
        ("user_service_rpc_calls_total{method=\"other\",code=\"unimplemented\"}", 1.0),
        ("user_service_rpc_seconds_count{method=\"GetUser\"}", 3.0),
        ("user_service_query_seconds_count{query=\"find_user\"}", 2.0),
        ("user_service_query_seconds_count{query=\"verify_password\"}", 1.0),
        ("user_service_query_seconds_count{query=\"list_users\"}", 1.0),
        ("user_service_query_seconds_count{query=\"list_user_events\"}", 1.0),
    ] {
        assert!((moved(name) - by).abs() < f64::EPSILON, "{name} moved by {}", moved(name));
    }
    assert!((after.value("user_service_rpc_open_calls{method=\"GetUser\"}")).abs() < f64::EPSILON);
    assert!((after.value("user_service_store_reachable") - 1.0).abs() < f64::EPSILON);
    assert!(after.value("user_service_statement_cache_reads_total{result=\"hit\"}") > 0.0);
    assert!(after.value("process_resident_memory_bytes") > 1e6);
    assert!(after.value("process_cpu_seconds_total") > 0.0);
    assert_eq!(stage.service.directory.metrics().most_asked().top(1)[0].id.to_string(), alice.id());
}

async fn projections_say_how_they_are(stage: &Stage) {
    let alice = stage.create("alice").await;
    stage.change("SuspendUser", &alice).await;
    // Answered when everything up to there is counted.
    stage.ok("GetActivity", json!({"minPosition": "2"})).await;
    let scrape = Scrape::of(stage).await;
    let of = |name: &str, projection: &str| {
        let name = format!("user_service_projection_{name}{{projection=\"{projection}\"}}");
        scrape.0.get(&name).copied().unwrap_or_else(|| panic!("{name} is not among {:?}", scrape.0))
    };
    let zero = |value: f64| value.abs() < f64::EPSILON;
    let one = |value: f64| zero(value - 1.0);
    for none in ["lag_events", "lag_seconds", "paused", "parked_streams", "failed_steps_total"] {
        assert!(zero(of(none, "user_activity")), "{none}");
    }
    assert!(zero(of("lag_events", "users")), "an inline one is at the head");
    assert!(scrape.value("user_service_projected_events_total{projection=\"user_activity\"}") >= 2.0);
    for event_type in ["user.created", "user.suspended"] {
        let labels = format!("aggregate_type=\"user\",event_type=\"{event_type}\"");
        assert!(
            one(scrape.value(&format!("user_service_log_counted_events_total{{{labels}}}"))),
            "{event_type}"
        );
    }
    stage.service.stop_projecting().await;
    stage.change("ReinstateUser", &alice).await;
    let scrape = Scrape::of(stage).await;
    let lag = scrape.value("user_service_projection_lag_events{projection=\"user_activity\"}");
    assert!(one(lag), "nobody follows any more: {lag}");
}

async fn metrics_tell_nothing_about_anybody(stage: &Stage) {
    let user = stage.create("canary").await;
    stage.get(&user).await;
    stage.ok("GetUser", json!({"email": "canary@example.org"})).await;
    stage.ok("VerifyPassword", json!({"username": "canary", "password": "canarysecret"})).await;
    stage.refused("GetUser", json!({"username": "canarynobody"})).await;
    stage.refused("canary@example.org", json!({})).await;
    stage.change("SuspendUser", &user).await;
    let text = text(stage).await;
    for word in ["canary", "example.org", user.id(), &user.id().replace('-', "")] {
        assert!(!text.contains(word), "{word} is in the metrics");
    }
}
