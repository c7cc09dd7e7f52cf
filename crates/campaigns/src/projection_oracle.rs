//! The oracle of projections: the whole log through the product's own projectors, in memory, against the rows of every
//! projection. What is parked is left out of the fold; whoever expects that nothing is says so.

use std::collections::{BTreeMap, HashSet};
use std::time::{Duration, Instant};

use cqrs::projection::{Decode, Projector, Undecodable};
use eventstore::{
    AggregateId, EventQuery, EventStore, Phase, Position, ProjectionChange, ProjectionLayout, ProjectionMode,
    ProjectionRow, ProjectionTable, RecordedEvent, Row, Slot, Value,
};
use tokio::time::sleep;
use user_service::directory::Directory;
use user_service::projections::{DecodedUserEvent, projectors};

use crate::verdict::Findings;

const PAGE: u32 = 1000;

const PAUSE: Duration = Duration::from_millis(10);

/// Nobody writes any more: longer than any projection takes to get to the head.
const PATIENCE: Duration = Duration::from_secs(20);

/// Waits until every projection stands at the head and every wish is answered. Whether it came to that; a finding if not.
pub(crate) async fn settle(store: &dyn EventStore, findings: &mut Findings) -> anyhow::Result<bool> {
    let began = Instant::now();
    loop {
        let Some(behind) = unsettled(store).await? else { return Ok(true) };
        if began.elapsed() > PATIENCE {
            findings.add("a projection does not get to the head", behind);
            return Ok(false);
        }
        sleep(PAUSE).await;
    }
}

/// What is not yet done, if there is anything.
async fn unsettled(store: &dyn EventStore) -> anyhow::Result<Option<String>> {
    let (projections, head) = (store.projections(), store.head().await?);
    if let Some(wish) = projections.wishes().await?.into_iter().find(|wish| wish.answer.is_none()) {
        return Ok(Some(format!("{} has a wish: {}", wish.projection, wish.wish)));
    }
    let generations = projections.generations().await?;
    for projector in projectors() {
        let layout = projector.layout();
        let live = generations.iter().find(|it| it.projection == layout.name && it.slot == Slot::Live);
        let there = live.is_some_and(|live| {
            live.phase == Phase::Tailing
                && (layout.mode == ProjectionMode::Inline || live.checkpoint.event_id == head.event_id)
        });
        if !there {
            return Ok(Some(format!("{}: {live:?}", layout.name)));
        }
    }
    Ok(None)
}

/// Compares every row. How many there are.
pub(crate) async fn compare(directory: &Directory, findings: &mut Findings) -> anyhow::Result<usize> {
    let mut events = Vec::new();
    loop {
        let after = events.last().map_or(Position::START, |event: &RecordedEvent| event.position);
        let page = directory.store().events(&EventQuery::after(after, PAGE)).await?.events;
        if page.is_empty() {
            break;
        }
        events.extend(page);
    }
    let decoded = directory.decoder().decode(&events).await?;
    let mut count = 0;
    for projector in projectors() {
        let parked = parked(directory.store(), projector.layout()).await?;
        let mut folded = Tables::default();
        for (event, decoded) in events.iter().zip(&decoded) {
            if !parked.contains(&event.position) {
                folded.take(&*projector, event, decoded, findings);
            }
        }
        for table in projector.layout().tables {
            let rows = rows_of(directory.store(), table).await?;
            count += rows.len();
            folded.differ(table, &rows, findings);
        }
    }
    Ok(count)
}

/// Nobody is parked anywhere.
pub(crate) async fn nobody_is_parked(store: &dyn EventStore, findings: &mut Findings) -> anyhow::Result<()> {
    for projector in projectors() {
        for position in parked(store, projector.layout()).await? {
            findings.add("an event is parked", format!("{} at {position}", projector.layout().name));
        }
    }
    Ok(())
}

async fn parked(store: &dyn EventStore, layout: &ProjectionLayout) -> anyhow::Result<HashSet<Position>> {
    let (mut parked, mut after) = (HashSet::new(), Position::START);
    loop {
        let page = store.projections().parked(layout.name, Slot::Live, None, after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(parked) };
        after = last.event.position;
        parked.extend(page.iter().map(|parked| parked.event.position));
    }
}

/// The rows that readers see.
pub(crate) async fn rows_of(
    store: &dyn EventStore,
    table: &'static ProjectionTable,
) -> anyhow::Result<BTreeMap<Row, Row>> {
    let mut rows = BTreeMap::new();
    loop {
        let after = rows.last_key_value().map(|(key, _): (&Row, &Row)| key.clone());
        let page = store.projections().rows_after(table, Slot::Live, after.as_ref(), PAGE).await?;
        if page.is_empty() {
            return Ok(rows);
        }
        rows.extend(page.into_iter().map(|row| (row[..table.key_columns].to_vec(), row)));
    }
}

/// Rows by table and key, as the projectors say and as no store has ever seen them.
#[derive(Debug, Default)]
struct Tables(BTreeMap<&'static str, BTreeMap<Row, Row>>);

impl Tables {
    fn take(
        &mut self,
        projector: &dyn Projector<DecodedUserEvent>,
        event: &RecordedEvent,
        decoded: &Result<DecodedUserEvent, Undecodable>,
        findings: &mut Findings,
    ) {
        let Ok(decoded) = decoded else {
            findings.add("an event that cannot be read is not parked", event.position);
            return;
        };
        let state = self.state(projector.layout().tables[0], event.aggregate_id);
        let mut rows = projector.project(state.as_ref(), decoded);
        rows.sort_by_key(|row| match row.change {
            ProjectionChange::DeleteStream(_) => 0,
            ProjectionChange::Delete(_) => 1,
            ProjectionChange::Put(_) => 2,
        });
        for row in rows {
            self.change(row);
        }
    }

    /// The row of the stream with the greatest key.
    fn state(&self, table: &ProjectionTable, stream: AggregateId) -> Option<Row> {
        let first = Value::Uuid(stream.0);
        let rows = self.0.get(table.name)?.range(vec![first.clone()]..);
        rows.take_while(|(key, _)| key[0] == first).last().map(|(_, row)| row.clone())
    }

    fn change(&mut self, ProjectionRow { table, change }: ProjectionRow) {
        let rows = self.0.entry(table.name).or_default();
        match change {
            ProjectionChange::DeleteStream(stream) => rows.retain(|key, _| key[0] != Value::Uuid(stream.0)),
            ProjectionChange::Delete(key) => drop(rows.remove(&key)),
            ProjectionChange::Put(mut row) => {
                let key = row[..table.key_columns].to_vec();
                if let Some(before) = rows.get(&key) {
                    let counted = table.columns.iter().enumerate();
                    for (n, _) in counted.filter(|(_, column)| table.is_counter(column)) {
                        row[n] = sum(&before[n], &row[n]);
                    }
                }
                rows.insert(key, row);
            }
        }
    }

    fn differ(&self, table: &ProjectionTable, rows: &BTreeMap<Row, Row>, findings: &mut Findings) {
        let none = BTreeMap::new();
        let folded = self.0.get(table.name).unwrap_or(&none);
        for (key, wanted) in folded {
            match rows.get(key) {
                Some(found) if found == wanted => {}
                Some(found) => {
                    let example = format!("{}: {found:?}, not {wanted:?}", table.name);
                    findings.add("a row is not the fold of the log", example);
                }
                None => findings.add("a row of the fold is missing", format!("{}: {key:?}", table.name)),
            }
        }
        for key in rows.keys().filter(|key| !folded.contains_key(*key)) {
            findings.add("a row is there that the fold has not", format!("{}: {key:?}", table.name));
        }
    }
}

fn sum(a: &Value, b: &Value) -> Value {
    match (a, b) {
        (Value::BigInt(a), Value::BigInt(b)) => Value::BigInt(a + b),
        (Value::SmallInt(a), Value::SmallInt(b)) => Value::SmallInt(a + b),
        (_, _) => Value::Null,
    }
}
