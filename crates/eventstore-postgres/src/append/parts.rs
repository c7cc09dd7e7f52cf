//! A batch, taken apart: pure bookkeeping from commands to rows.

use eventstore::{AggregateId, Append, InlineTable};
use uuid::Uuid;

use super::array::{Array, Form};
use super::event::{events, reached};
use super::part::{Column, Kind, Part, Stamp};
use super::rows::{deleted, inserted, updated};
use crate::row::signed;

/// An append, and how many events of its batch stand before it.
#[derive(Clone, Copy)]
pub(super) struct Placed<'a> {
    pub(super) append: &'a Append,
    pub(super) before: i64,
}

impl Placed<'_> {
    /// The last of its positions; where the log stands if it has none. Counted from the head.
    pub(super) fn last(&self) -> i64 {
        self.before + signed(self.append.events.len() as u64)
    }
}

/// Where each append of a batch comes to stand.
pub(super) fn place<'a>(batch: impl IntoIterator<Item = &'a Append>) -> Vec<Placed<'a>> {
    let mut before = 0;
    let mut placed = Vec::new();
    for append in batch {
        placed.push(Placed { append, before });
        before += signed(append.events.len() as u64);
    }
    placed
}

/// The parts that the batch has rows for.
pub(super) fn parts<'a>(batch: &[Placed<'a>], tables: &[&'static InlineTable]) -> Vec<Part<'a>> {
    let own = [events(batch), reached(batch), taken(batch), moved(batch), released(batch), requests(batch)];
    let inline = tables
        .iter()
        .flat_map(|table| [inserted(batch, table), updated(batch, table), deleted(batch, table)]);
    let mut parts: Vec<_> = own.into_iter().chain(inline).flatten().collect();
    if batch.len() > 1 {
        // Plain values are for a command on its own: else every mixture of ones and manies would be a statement.
        for part in &mut parts {
            part.form = Form::Many;
        }
    }
    parts
}

fn taken<'a>(batch: &[Placed<'a>]) -> Option<Part<'a>> {
    let keys: Vec<_> = each(batch, |append| append.claims.taken.iter().map(|key| key.0)).collect();
    part(Kind::Taken, keys.len(), || {
        vec![
            plain("key", uuids(keys.iter().map(|(_, key)| *key))),
            plain("aggregate_id", uuids(keys.iter().map(|(stream, _)| stream.0))),
        ]
    })
}

fn moved<'a>(batch: &[Placed<'a>]) -> Option<Part<'a>> {
    let moves: Vec<_> = each(batch, |append| append.claims.moved.iter()).collect();
    part(Kind::Moved, moves.len(), || {
        vec![
            plain("owned", uuids(moves.iter().map(|(_, claim)| claim.from.0))),
            plain("wanted", uuids(moves.iter().map(|(_, claim)| claim.to.0))),
            plain("aggregate_id", uuids(moves.iter().map(|(stream, _)| stream.0))),
        ]
    })
}

fn released<'a>(batch: &[Placed<'a>]) -> Option<Part<'a>> {
    let keys: Vec<_> = each(batch, |append| append.claims.released.iter().map(|key| key.0)).collect();
    part(Kind::Released, keys.len(), || {
        vec![
            plain("owned", uuids(keys.iter().map(|(_, key)| *key))),
            plain("aggregate_id", uuids(keys.iter().map(|(stream, _)| stream.0))),
        ]
    })
}

fn requests<'a>(batch: &[Placed<'a>]) -> Option<Part<'a>> {
    let asked: Vec<_> = batch.iter().filter_map(|p| p.append.request.map(|request| (p, request))).collect();
    part(Kind::Requests, asked.len(), || {
        vec![
            plain("key", uuids(asked.iter().map(|(_, request)| request.key.0))),
            plain("fingerprint", uuids(asked.iter().map(|(_, request)| request.fingerprint.0))),
            plain("aggregate_id", uuids(asked.iter().map(|(p, _)| p.append.aggregate_id.0))),
            plain("version", bigints(asked.iter().map(|(p, _)| signed(p.append.version_after().0)))),
            Column {
                name: "position",
                values: bigints(asked.iter().map(|(p, _)| p.last())),
                stamp: Stamp::FromHead,
            },
        ]
    })
}

/// Something of each append, with its stream.
fn each<'a, 'b, T>(
    batch: &'b [Placed<'a>],
    what: impl Fn(&'a Append) -> T + 'b,
) -> impl Iterator<Item = (AggregateId, T::Item)> + 'b
where
    T: Iterator + 'b,
{
    batch.iter().flat_map(move |p| {
        let stream = p.append.aggregate_id;
        what(p.append).map(move |item| (stream, item))
    })
}

pub(super) fn part<'a>(
    kind: Kind,
    rows: usize,
    columns: impl FnOnce() -> Vec<Column<'a>>,
) -> Option<Part<'a>> {
    let form = match rows {
        0 => return None,
        1 => Form::One,
        _ => Form::Many,
    };
    Some(Part { kind, columns: columns(), form })
}

pub(super) fn plain<'a>(name: &'static str, values: Array<'a>) -> Column<'a> {
    Column { name, values, stamp: Stamp::None }
}

pub(super) fn uuids<'a>(values: impl Iterator<Item = Uuid>) -> Array<'a> {
    Array::Uuid(values.map(Some).collect())
}

pub(super) fn bigints<'a>(values: impl Iterator<Item = i64>) -> Array<'a> {
    Array::BigInt(values.map(Some).collect())
}

pub(super) fn texts<'a>(values: impl Iterator<Item = &'a str>) -> Array<'a> {
    Array::Text(values.map(Some).collect())
}
