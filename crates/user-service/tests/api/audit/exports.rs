//! Exports: all that happened, in whole lines, as often as it is cut and taken up again.

use connectrpc::ErrorCode;
use eventstore::Position;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use user_api::v1;
use user_service::queries::{EventQuestion, ExportError, Exports};

use super::everything;
use crate::stage::{Stage, on_both_stores};

on_both_stores!(
    an_export_is_the_log,
    an_export_can_be_taken_up_again,
    exports_are_so_many_and_no_more,
    an_export_ends_when_the_service_stops,
    an_empty_log_has_a_header,
);

const JSON: v1::ExportFormat = v1::ExportFormat::JsonLines;
const CSV: v1::ExportFormat = v1::ExportFormat::Csv;

/// Somebody to whom a lot happened: each call is three events.
async fn busy(stage: &Stage, calls: usize) {
    let alice = stage.create("alice").await;
    for n in 0..calls {
        let update = json!({
            "id": alice.id(), "email": format!("alice{n}@example.org"), "username": format!("alice{n}"),
            "firstName": format!("=Alice, the \"{n}\""),
        });
        stage.ok("UpdateUser", update).await;
    }
}

fn asked(format: v1::ExportFormat, after_position: u64) -> v1::ExportEventsRequest {
    v1::ExportEventsRequest { format: format.into(), after_position, ..Default::default() }
}

async fn export(stage: &Stage, request: v1::ExportEventsRequest) -> Vec<v1::ExportEventsResponse> {
    let mut stream = stage.service.grpc().await.export_events(request).await.unwrap();
    let mut parts = Vec::new();
    while let Some(part) = stream.message().await.unwrap() {
        parts.push(part.to_owned_message());
    }
    parts
}

fn text(parts: &[v1::ExportEventsResponse]) -> String {
    String::from_utf8(parts.iter().flat_map(|part| part.chunk.clone()).collect()).unwrap()
}

fn objects(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

async fn an_export_is_the_log(stage: &Stage) {
    busy(stage, 700).await;
    let events = everything(&stage.service).await;
    assert_eq!(events.len(), 2101);
    let parts = export(stage, asked(JSON, 0)).await;
    assert_eq!(objects(&text(&parts)), events);
    assert!(parts.len() > 10, "it comes in pieces");
    assert!(parts.iter().all(|part| part.chunk.len() <= 32 * 1024 && part.chunk.ends_with(b"\n")));
    assert!(parts.iter().all(|part| part.end_position == 2101));
    assert!(parts.is_sorted_by(|one, next| one.position < next.position && one.events < next.events));
    assert_eq!(parts.last().map(|part| (part.position, part.events)), Some((2101, 2101)));

    let table = text(&export(stage, asked(CSV, 0)).await);
    assert_eq!(table.matches("\r\n").count(), 2102, "a line for each event, and the header");
    assert!(table.starts_with("position,time,type,user_id,version,actor,"));
    let cells: Vec<&str> = table.lines().nth(2101).unwrap().split(',').collect();
    assert_eq!((cells[0], cells[2]), ("2101", "user.profile_updated"));

    let types = vec!["user.username_changed".to_owned()];
    let filter = v1::EventFilter { types, ..Default::default() };
    let some = export(stage, v1::ExportEventsRequest { filter: filter.into(), ..asked(JSON, 0) }).await;
    let wanted = events.into_iter().filter(|event| event["type"] == "user.username_changed");
    assert_eq!(objects(&text(&some)), wanted.collect::<Vec<_>>());
}

async fn an_export_can_be_taken_up_again(stage: &Stage) {
    busy(stage, 60).await;
    for format in [JSON, CSV] {
        let whole = export(stage, asked(format, 0)).await;
        for (n, part) in whole.iter().enumerate() {
            let rest = export(stage, asked(format, part.position)).await;
            assert_eq!(text(&whole[..=n]) + &text(&rest), text(&whole), "{format:?} after {}", part.position);
        }
    }
    let mut beyond = stage.service.grpc().await.export_events(asked(JSON, 182)).await.unwrap();
    let error = loop {
        match beyond.message().await {
            Ok(Some(_)) => {}
            Ok(None) => break beyond.error().cloned().expect("it is refused"),
            Err(error) => break error,
        }
    };
    assert_eq!(error.code, ErrorCode::OutOfRange);
}

async fn exports_are_so_many_and_no_more(stage: &Stage) {
    stage.create("alice").await;
    let exports = Exports::new(stage.service.directory.clone(), CancellationToken::new());
    let begin = async || exports.begin(EventQuestion::default(), Position::START).await;
    let mut open = Vec::new();
    for _ in 0..8 {
        open.push(begin().await.unwrap());
    }
    assert!(matches!(begin().await, Err(ExportError::TooMany)));
    // As the stack does when a caller goes away.
    drop(open.pop());
    let mut one_more = begin().await.unwrap();
    assert_eq!(one_more.next().await.unwrap().map(|part| part.events.len()), Some(1));
}

async fn an_export_ends_when_the_service_stops(stage: &Stage) {
    stage.create("alice").await;
    let stop = CancellationToken::new();
    let exports = Exports::new(stage.service.directory.clone(), stop.clone());
    let mut export = exports.begin(EventQuestion::default(), Position::START).await.unwrap();
    stop.cancel();
    assert!(matches!(export.next().await, Err(ExportError::Stopping)));
}

async fn an_empty_log_has_a_header(stage: &Stage) {
    let parts = export(stage, asked(CSV, 0)).await;
    assert_eq!((parts.len(), parts[0].end_position, parts[0].position), (1, 0, 0));
    assert!(text(&parts).starts_with("position,") && text(&parts).ends_with(",changes,api_token_id\r\n"));
    assert_eq!(text(&export(stage, asked(JSON, 0)).await), "");
}
