//! Everything that callers can be told, asked for in every way there is.

use std::net::SocketAddr;

use eventstore::AggregateId;
use serde_json::{Value, json};
use user_api::v1;
use user_api::v1::watch_events_request::Start;
use user_api::v1::watch_events_response::Step;

use super::canary::{CANARY, email, username};
use super::{http, said};
use crate::ours::Ours;
use crate::wire::client;

/// Most of what a list gives at once.
const PAGE: u32 = 200;

/// Moments of the past at which lists are asked for.
const MOMENTS: u64 = 4;

const STATUSES: [&str; 5] = [
    "USER_STATUS_ACTIVE",
    "USER_STATUS_INACTIVE",
    "USER_STATUS_SUSPENDED",
    "USER_STATUS_DELETED",
    "USER_STATUS_ERASED",
];

/// What is never to tell of anybody.
pub(super) const SILENT: [&str; 2] = ["/metrics", "the log of the process"];

/// An answer, and where it is from.
pub(super) struct Told {
    pub(super) place: &'static str,
    /// Whether it is what was asked for, or that it is not there; rather than that it cannot be told.
    pub(super) answered: bool,
    pub(super) text: String,
}

impl Told {
    fn streamed(place: &'static str, told: anyhow::Result<String>) -> Self {
        match told {
            Ok(text) => Self { place, answered: true, text },
            Err(error) => Self { place, answered: false, text: format!("{error:#}") },
        }
    }
}

/// What is asked about.
#[derive(Clone, Debug, Default)]
pub(super) struct Past {
    pub(super) people: Vec<AggregateId>,
    /// Nobody had been erased by then.
    pub(super) until: u64,
    /// Of a feed that had only begun then.
    pub(super) token: String,
}

/// Where the feed stands after its first event, as its reader has it.
pub(super) async fn token(address: SocketAddr) -> anyhow::Result<String> {
    let mut feed = client(address)?.watch_events(after(Start::AfterPosition(0))).await?;
    while let Some(step) = feed.message().await? {
        let step = step.to_owned_message();
        if matches!(step.step, Some(Step::Event(_))) {
            return Ok(step.resume_token);
        }
    }
    anyhow::bail!("a feed ends before its first event")
}

/// Asks for everything.
pub(super) async fn everything(ours: &Ours, past: &Past) -> anyhow::Result<Vec<Told>> {
    let address = ours.served.address;
    let mut told = Vec::new();
    let everybody = about_everybody(past.until);
    let each = past.people.iter().enumerate().flat_map(|(n, id)| about(*id, n, past.until));
    for (place, call, request) in everybody.into_iter().chain(each) {
        told.extend(pages(address, place, call, request).await?);
    }
    told.extend(feeds(address, &past.token).await);
    told.extend(exports(address).await);
    let silent = [ours.directory.measurements().await, said::since()];
    told.extend(SILENT.into_iter().zip(silent).map(|(place, text)| Told { place, answered: true, text }));
    Ok(told)
}

/// A place, a call and a request.
type Question = (&'static str, &'static str, Value);

fn at(position: u64) -> Value {
    json!({"position": position.to_string()})
}

fn about_everybody(until: u64) -> Vec<Question> {
    let mut questions = vec![
        ("ListEvents", "ListEvents", json!({"pageSize": PAGE})),
        (
            "ListUsers",
            "ListUsers",
            json!({"pageSize": PAGE, "orderBy": "email", "filter": {"statuses": STATUSES[..4]}}),
        ),
        ("ListUsers, searching", "ListUsers", json!({"pageSize": PAGE, "filter": {"query": CANARY}})),
        ("DiffUsers", "DiffUsers", json!({"pageSize": PAGE, "from": at(0), "to": at(until)})),
        ("DiffUsers", "DiffUsers", json!({"pageSize": PAGE, "from": at(until)})),
        ("GetActivity", "GetActivity", json!({"domainsMax": 100})),
    ];
    for n in 1..=MOMENTS {
        let past =
            json!({"pageSize": PAGE, "asOf": at(until * n / MOMENTS), "filter": {"statuses": STATUSES}});
        questions.push(("ListUsers, of the past", "ListUsers", past));
    }
    questions
}

fn about(id: AggregateId, n: usize, until: u64) -> Vec<Question> {
    let id = id.to_string();
    vec![
        ("GetUser", "GetUser", json!({"id": id})),
        ("GetUser, by address", "GetUser", json!({"username": username(n)})),
        ("GetUser, at a version", "GetUser", json!({"id": id, "version": "1"})),
        ("GetUser, of the past", "GetUser", json!({"id": id, "asOf": at(until)})),
        ("GetUser, by address of the past", "GetUser", json!({"username": username(n), "asOf": at(until)})),
        (
            "ListUsers, by address of the past",
            "ListUsers",
            json!({"asOf": at(until), "filter": {"email": email(n)}}),
        ),
        ("BatchGetUsers", "BatchGetUsers", json!({"ids": [id]})),
        ("ListUserEvents", "ListUserEvents", json!({"id": id, "pageSize": PAGE})),
        ("DiffUser", "DiffUser", json!({"id": id, "from": at(0), "to": at(until)})),
        ("DiffUser", "DiffUser", json!({"id": id, "from": at(until)})),
        ("ExplainUser", "ExplainUser", json!({"id": id})),
        ("ExplainUser, of the past", "ExplainUser", json!({"id": id, "asOf": at(until)})),
    ]
}

/// Every page of an answer.
async fn pages(
    address: SocketAddr,
    place: &'static str,
    call: &str,
    mut request: Value,
) -> anyhow::Result<Vec<Told>> {
    let mut told = Vec::new();
    loop {
        let answer = http::post(address, call, &request).await?;
        let next = answer.json()["nextPageToken"].take();
        told.push(Told { place, answered: matches!(answer.status, 200 | 404), text: answer.body });
        if next.as_str().is_none_or(str::is_empty) {
            return Ok(told);
        }
        request["pageToken"] = next;
    }
}

fn after(start: Start) -> v1::WatchEventsRequest {
    v1::WatchEventsRequest { start: Some(start), ..Default::default() }
}

/// The feed in every way, until it has caught up.
async fn feeds(address: SocketAddr, token: &str) -> Vec<Told> {
    let starts = [
        ("WatchEvents", Start::AfterPosition(0)),
        ("WatchEvents, resumed", Start::ResumeToken(token.to_owned())),
        ("WatchEvents, with a snapshot", Start::Snapshot(true)),
    ];
    let queries = [
        ("server-sent events", "after_position=0".to_owned()),
        ("server-sent events, resumed", format!("resume_token={token}")),
        ("server-sent events, with a snapshot", "snapshot=true".to_owned()),
    ];
    let mut told = Vec::new();
    for (place, start) in starts {
        told.push(Told::streamed(place, watched(address, start).await));
    }
    for (place, query) in queries {
        told.push(Told::streamed(place, http::events(address, &query).await));
    }
    told
}

async fn watched(address: SocketAddr, start: Start) -> anyhow::Result<String> {
    let mut feed = client(address)?.watch_events(after(start)).await?;
    let mut told = String::new();
    while let Some(step) = feed.message().await? {
        let step = step.to_owned_message();
        told.push_str(&serde_json::to_string(&step)?);
        told.push('\n');
        if step.step == Some(Step::Mark(v1::FeedMark::CaughtUp.into())) {
            break;
        }
    }
    Ok(told)
}

/// The whole log, as it is taken away.
async fn exports(address: SocketAddr) -> Vec<Told> {
    let formats = [
        ("ExportEvents, as JSON", v1::ExportFormat::JsonLines),
        ("ExportEvents, as CSV", v1::ExportFormat::Csv),
    ];
    let mut told = Vec::new();
    for (place, format) in formats {
        told.push(Told::streamed(place, exported(address, format).await));
    }
    told
}

async fn exported(address: SocketAddr, format: v1::ExportFormat) -> anyhow::Result<String> {
    let request = v1::ExportEventsRequest { format: format.into(), ..Default::default() };
    let (mut export, mut chunks) = (client(address)?.export_events(request).await?, Vec::new());
    while let Some(part) = export.message().await? {
        chunks.extend_from_slice(&part.to_owned_message().chunk);
    }
    Ok(String::from_utf8(chunks)?)
}
