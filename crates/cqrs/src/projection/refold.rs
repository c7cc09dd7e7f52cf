//! One stream folded from the log alone, and compared with the rows that a generation has of it.

use std::collections::{BTreeMap, BTreeSet};

use eventstore::{
    AggregateId, ColumnClass, ColumnKind, Generation, OnErasure, Position, ProjectionTable, RecordedEvent,
    Row, Slot, Subject, Value, Version,
};
use jiff::Timestamp;
use uuid::Uuid;

use super::check::{Difference, Differs};
use super::fold::Fold;
use super::rows::{is_about_streams, stream_of};
use super::tended::Tended;
use super::workplace::{Trouble, Workplace};

/// Events and rows that are read at once.
const PAGE: u32 = 500;

/// Whether the rows of a generation about a stream are what the log says. An erasure can come between looking at the
/// one and at the other, so whatever differs is looked at twice.
pub(super) async fn agrees<E: Send + Sync + 'static>(
    place: &Workplace<E>,
    tended: &Tended,
    stream: AggregateId,
) -> Result<bool, Trouble> {
    Ok(is_equal(place, tended, stream).await? || is_equal(place, tended, stream).await?)
}

async fn is_equal<E: Send + Sync + 'static>(
    place: &Workplace<E>,
    tended: &Tended,
    stream: AggregateId,
) -> Result<bool, Trouble> {
    let Generation { slot, checkpoint, .. } = tended.generation;
    let found = differences(place, slot, checkpoint.position, stream).await?;
    Ok(found.is_some_and(|differences| differences.is_empty()))
}

/// How the rows of a generation about a stream differ from what its events up to a position come to. `None` if one of
/// these cannot be projected.
pub(super) async fn differences<E: Send + Sync + 'static>(
    place: &Workplace<E>,
    slot: Slot,
    up_to: Position,
    stream: AggregateId,
) -> Result<Option<BTreeSet<Difference>>, Trouble> {
    let events = history(place, stream, up_to).await?;
    let mut fold = Fold::default();
    fold.all(&*place.projector, &place.read(events).await?);
    let kept = is_kept(place, stream).await?;
    let mut differences = BTreeSet::new();
    for table in place.layout.tables.iter().copied().filter(|table| is_about_streams(table)) {
        let mut expected = fold.rows.put_in(table);
        if !kept {
            clean(table, &mut expected);
        }
        let found = rows_of(place, table, slot, stream).await?;
        differences.append(&mut compared(table, &expected, &found));
    }
    Ok(fold.park.is_empty().then_some(differences))
}

/// Whether what is personal in the rows of a stream may be kept.
pub(super) async fn is_kept<E: Send + Sync + 'static>(
    place: &Workplace<E>,
    stream: AggregateId,
) -> Result<bool, Trouble> {
    Ok(match place.layout.subjects {
        Some(subjects) => !place.projections().inline_rows(subjects, &[stream]).await?.is_empty(),
        None => true,
    })
}

/// How rows differ, by key.
pub(super) fn compared(
    table: &'static ProjectionTable,
    expected: &BTreeMap<Row, Row>,
    found: &BTreeMap<Row, Row>,
) -> BTreeSet<Difference> {
    let differs = |differs| Difference { table: table.name, differs };
    let mut differences = BTreeSet::new();
    for (key, row) in expected {
        let Some(found) = found.get(key) else {
            differences.insert(differs(Differs::Missing));
            continue;
        };
        let columns = table.columns.iter().zip(row.iter().zip(found));
        let other = columns.filter(|(_, (expected, found))| expected != found);
        differences.extend(other.map(|(column, _)| differs(Differs::In(column.name))));
    }
    if found.keys().any(|key| !expected.contains_key(key)) {
        differences.insert(differs(Differs::TooMany));
    }
    differences
}

/// The events of a stream up to a position.
pub(super) async fn history<E: Send + Sync + 'static>(
    place: &Workplace<E>,
    stream: AggregateId,
    up_to: Position,
) -> Result<Vec<RecordedEvent>, Trouble> {
    let (mut events, mut after): (Vec<RecordedEvent>, _) = (Vec::new(), Version::NONE);
    loop {
        let page = place.store.stream(stream, after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(events) };
        after = last.version;
        let known = page.partition_point(|event| event.position <= up_to);
        let ends = known < page.len();
        events.extend(page.into_iter().take(known));
        if ends {
            return Ok(events);
        }
    }
}

/// What an erasure leaves.
fn clean(table: &ProjectionTable, rows: &mut BTreeMap<Row, Row>) {
    match table.subject {
        Subject::Nobody => {}
        Subject::Stream(OnErasure::Delete) => rows.clear(),
        Subject::Stream(OnErasure::Redact) => {
            for (n, column) in table.columns.iter().enumerate() {
                if column.class == ColumnClass::Derived {
                    for row in rows.values_mut() {
                        row[n] = Value::Null;
                    }
                }
            }
        }
    }
}

/// The rows of a stream in one table, by key.
pub(super) async fn rows_of<E: Send + Sync + 'static>(
    place: &Workplace<E>,
    table: &'static ProjectionTable,
    slot: Slot,
    stream: AggregateId,
) -> Result<BTreeMap<Row, Row>, Trouble> {
    let (mut rows, mut after) = (BTreeMap::new(), before(table, stream));
    loop {
        let page = place.projections().rows_after(table, slot, after.as_ref(), PAGE).await?;
        let ends = page.len() < PAGE as usize;
        for row in page {
            let key = row[..table.key_columns].to_vec();
            match stream_of(&row) {
                Some(found) if found < stream => {}
                Some(found) if found == stream => {
                    rows.insert(key.clone(), row);
                }
                _ => return Ok(rows),
            }
            after = Some(key);
        }
        if ends {
            return Ok(rows);
        }
    }
}

/// A key before every row of a stream: the least one of the id before hers, which nobody has.
fn before(table: &ProjectionTable, stream: AggregateId) -> Option<Row> {
    let id = Uuid::from_u128(stream.0.as_u128().checked_sub(1)?);
    let rest = table.key()[1..].iter().map(|column| match column.kind {
        ColumnKind::Uuid => Value::Uuid(Uuid::nil()),
        ColumnKind::SmallInt => Value::SmallInt(i16::MIN),
        ColumnKind::BigInt => Value::BigInt(i64::MIN),
        ColumnKind::Text => Value::Text(String::new()),
        ColumnKind::Bytes => Value::Bytes(Vec::new()),
        ColumnKind::Time => Value::Time(Timestamp::UNIX_EPOCH),
    });
    Some(std::iter::once(Value::Uuid(id)).chain(rest).collect())
}
