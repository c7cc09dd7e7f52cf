//! The event rows of a batch, and the guard against a version ahead of the stream's head.

use eventstore::{Append, NewEvent, RowChange};
use uuid::Uuid;

use super::array::Array;
use super::part::{Column, Kind, Part, Stamp};
use super::parts::{Placed, bigints, part, plain, texts, uuids};
use crate::row::signed;

/// An event, and where it comes to stand.
struct Line<'a> {
    append: &'a Append,
    event: &'a NewEvent,
    position: i64,
    version: i64,
}

/// A row for each event.
pub(super) fn events<'a>(batch: &[Placed<'a>]) -> Option<Part<'a>> {
    let lines: Vec<_> = batch
        .iter()
        .flat_map(|&Placed { append, before }| {
            let expected = signed(append.expected.0);
            (1..).zip(&append.events).map(move |(n, event)| Line {
                append,
                event,
                position: before + n,
                version: expected + n,
            })
        })
        .collect();
    let position = bigints(lines.iter().map(|l| l.position));
    let metadata =
        |pick: fn(&Append) -> Option<Uuid>| Array::Uuid(lines.iter().map(|l| pick(l.append)).collect());
    part(Kind::Events, lines.len(), || {
        vec![
            Column { name: "position", values: position, stamp: Stamp::FromHead },
            plain("aggregate_id", uuids(lines.iter().map(|l| l.append.aggregate_id.0))),
            plain("event_id", uuids(lines.iter().map(|l| l.event.event_id.0))),
            plain("correlation_id", metadata(|append| append.metadata.correlation_id)),
            plain("causation_id", metadata(|append| append.metadata.causation_id)),
            plain("request_id", metadata(|append| append.metadata.request_id)),
            plain("version", bigints(lines.iter().map(|l| l.version))),
            // The column is signed; what does not fit comes back as it was.
            plain(
                "schema_version",
                Array::SmallInt(lines.iter().map(|l| Some(l.event.schema_version.cast_signed())).collect()),
            ),
            plain("aggregate_type", texts(lines.iter().map(|l| l.append.aggregate_type))),
            plain("event_type", texts(lines.iter().map(|l| l.event.event_type))),
            plain("actor", Array::Text(lines.iter().map(|l| l.append.metadata.actor.as_deref()).collect())),
            plain("data", texts(lines.iter().map(|l| l.event.data.as_str()))),
            plain("sealed", Array::Bytes(lines.iter().map(|l| l.event.sealed.as_deref()).collect())),
        ]
    })
}

/// `UNIQUE (aggregate_id, version)` finds a version that is behind the head. One that is ahead of it is found by the
/// versioned row of an inline table where there is one; here are the others.
pub(super) fn reached<'a>(batch: &[Placed<'a>]) -> Option<Part<'a>> {
    let unsure: Vec<_> =
        batch.iter().filter(|p| p.append.expected.0 > 0 && !has_versioned_row(p.append)).collect();
    part(Kind::Reached, unsure.len(), || {
        vec![
            plain("aggregate_id", uuids(unsure.iter().map(|p| p.append.aggregate_id.0))),
            plain("version", bigints(unsure.iter().map(|p| signed(p.append.expected.0)))),
        ]
    })
}

fn has_versioned_row(append: &Append) -> bool {
    append.rows.iter().any(|write| {
        write.table.version_column.is_some()
            && match write.change {
                RowChange::Insert(_) => false,
                RowChange::Update(_) | RowChange::Delete => true,
            }
    })
}
