//! The ledger against the log: what was acknowledged is there once, what was refused is not, and nothing else is.

use std::collections::HashMap;

use eventstore::{EventQuery, EventStore, Position, RecordedEvent};
use uuid::Uuid;

use super::ledger::{Account, What};
use crate::verdict::Findings;

const PAGE: u32 = 1000;

/// Checks I1, I2 and I3.
pub(super) async fn audit(
    accounts: &HashMap<Uuid, Account>,
    store: &dyn EventStore,
    findings: &mut Findings,
) -> anyhow::Result<()> {
    let mut made: HashMap<Uuid, Vec<RecordedEvent>> = HashMap::new();
    let mut after = Position::START;
    loop {
        let page = store.events(&EventQuery::after(after, PAGE)).await?;
        if page.events.is_empty() {
            break;
        }
        after = page.scanned_to;
        for event in page.events {
            match event.metadata.request_id {
                Some(request_id) if accounts.contains_key(&request_id) => {
                    made.entry(request_id).or_default().push(event);
                }
                Some(_) | None => {
                    findings.add("an event that nobody asked for is in the log", event.position);
                }
            }
        }
    }
    for (request_id, account) in accounts {
        let made = made.get(request_id).map_or(&[][..], Vec::as_slice);
        if let Some(finding) = compare(account, made) {
            findings.add(finding, request_id);
        }
    }
    Ok(())
}

/// What is wrong with what one request made.
fn compare(account: &Account, made: &[RecordedEvent]) -> Option<&'static str> {
    let count = made.len() as u64;
    match &account.end {
        None => Some("a request was never settled"),
        Some(What::Refused { .. }) if count > 0 => Some("a refused request is in the log"),
        Some(What::Refused { .. }) => None,
        Some(What::Acknowledged { .. }) if count == 0 => Some("an acknowledged request is lost"),
        Some(What::Acknowledged { .. }) if count > account.events => {
            Some("an acknowledged request is in the log more than once")
        }
        Some(What::Acknowledged { .. }) if count < account.events || !in_one_piece(made) => {
            Some("an acknowledged request is not in the log in one piece")
        }
        Some(What::Acknowledged { position }) => {
            let there = made.last().is_some_and(|last| last.position.0 == *position);
            (!there).then_some("an acknowledged request does not stand where its caller was told")
        }
        Some(What::Sent { .. } | What::Unknown) => Some("a request ended without an end"),
    }
}

/// One after the other, in one stream and in the log.
fn in_one_piece(made: &[RecordedEvent]) -> bool {
    made.windows(2).all(|pair| {
        pair[0].aggregate_id == pair[1].aggregate_id
            && pair[0].version.next() == pair[1].version
            && pair[0].position.0 + 1 == pair[1].position.0
    })
}
