//! What is compared at the end: the log byte for byte, the rows of every table, and both with the model.

use std::collections::HashMap;

use cqrs::{Claim, Recorded};
use eventstore::{AggregateId, ClaimKey, Position, RecordedEvent};
use user_domain::{User, UserEvent};
use user_service::read_model;
use user_service::vault;

use super::model::Model;
use super::party::{Party, TABLES};
use crate::verdict::Findings;

/// The two stores with each other: whatever they hold is the same.
pub(super) async fn stores(first: &Party, second: &Party, findings: &mut Findings) -> anyhow::Result<()> {
    let (ours, theirs) = (first.events(Position::START).await?, second.events(Position::START).await?);
    if ours.len() != theirs.len() {
        findings.add("the logs are not of one length", format!("{} and {}", ours.len(), theirs.len()));
    }
    for (ours, theirs) in ours.iter().zip(&theirs).filter(|(ours, theirs)| ours != theirs) {
        findings.add("an event differs between the stores", difference(ours, theirs));
    }
    for (name, table) in TABLES {
        let (ours, theirs) = (first.rows(table).await?, second.rows(table).await?);
        if ours.len() != theirs.len() {
            findings.add(format!("{name} has more rows in one store"), ours.len().abs_diff(theirs.len()));
        }
        for (ours, theirs) in ours.iter().zip(&theirs).filter(|(ours, theirs)| ours != theirs) {
            let column = ours.iter().zip(theirs).position(|(ours, theirs)| ours != theirs);
            findings.add(
                format!("a row of {name} differs between the stores"),
                format!("{:?} {column:?}", ours[0]),
            );
        }
    }
    if first.claims().await? != second.claims().await? {
        findings.add("the claims differ between the stores", "");
    }
    Ok(())
}

/// Names where, and which part; never what is personal.
fn difference(ours: &RecordedEvent, theirs: &RecordedEvent) -> String {
    let parts = [
        ("type", ours.event_type != theirs.event_type),
        ("time", ours.recorded_at != theirs.recorded_at),
        ("id", ours.event_id != theirs.event_id),
        ("stream", (ours.aggregate_id, ours.version) != (theirs.aggregate_id, theirs.version)),
        ("data", ours.data != theirs.data),
        ("sealed part", ours.sealed != theirs.sealed),
    ];
    let names: Vec<_> = parts.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect();
    format!("position {}: {}", ours.position, names.join(", "))
}

/// A store with the model: events as they read unsealed, rows, claims and credentials.
pub(super) async fn with_model(party: &Party, model: &Model, findings: &mut Findings) -> anyhow::Result<()> {
    let head = party.store().head().await?.position.0;
    if head != model.log.len() as u64 {
        findings.add("the log is not as long as the model's", head);
    }
    let mut histories: HashMap<AggregateId, Vec<&Recorded<UserEvent>>> = HashMap::new();
    for event in &model.log {
        histories.entry(event.aggregate_id).or_default().push(event);
    }
    for (id, user) in &model.users {
        let expected = histories.get(id).map_or(&[][..], Vec::as_slice);
        if !is_history(&party.history(*id).await?, expected, user) {
            findings.add("a history is not the model's", id);
        }
        if let Some(finding) = row(party, *id, user).await? {
            findings.add(finding, id);
        }
    }
    if party.claims().await? != claims(party, model) {
        findings.add("the claims are not the model's", head);
    }
    Ok(())
}

/// Of a user who has been erased only ids, types, places and times can be compared: the rest is gone, as it should be.
fn is_history(found: &[Recorded<UserEvent>], expected: &[&Recorded<UserEvent>], user: &User) -> bool {
    let erased = matches!(user, User::Erased(_));
    found.len() == expected.len()
        && found.iter().zip(expected).all(|(found, expected)| {
            let gone = erased && found.event.is_redacted();
            let same_type = found.event.event_type() == expected.event.event_type();
            let event = if gone && same_type { expected.event.clone() } else { found.event.clone() };
            Recorded { event, ..*found } == **expected
        })
}

fn claims(party: &Party, model: &Model) -> Vec<(ClaimKey, AggregateId)> {
    let key = |(scope, value): &(&'static str, String)| {
        party.directory.root().claim_key(&Claim { scope, value: value.clone() })
    };
    let mut claims: Vec<_> = model.claims.iter().map(|(claim, id)| (key(claim), *id)).collect();
    claims.sort_unstable();
    claims
}

/// What is wrong with the row of a user, or with her credential.
async fn row(party: &Party, id: AggregateId, user: &User) -> anyhow::Result<Option<&'static str>> {
    let row = read_model::by_id(party.store(), id.0).await?;
    let credential = vault::credential(party.store(), id.0).await?;
    Ok(match (user, row, credential) {
        (User::Live(expected), Some(mut row), Some(credential)) => {
            // Readers are not shown it.
            row.credential = expected.credential;
            let same = credential.version == expected.credential.version
                && credential.hash.algorithm() == expected.credential.algorithm;
            match (row == **expected, same) {
                (false, _) => Some("a row is not the model's"),
                (true, false) => Some("a credential is not the model's"),
                (true, true) => None,
            }
        }
        (User::Live(_), _, _) => Some("a user of the model has no row, or no credential"),
        (User::Absent | User::Erased(_), None, None) => None,
        (User::Absent | User::Erased(_), _, _) => Some("a user who is gone in the model has left something"),
    })
}
