//! How a case about projections is written down: an owner, the steps that she takes, and the looks at what became of them.

use std::time::Duration;

use uuid::Uuid;

use super::scene::stream;
use super::tables::{DOCUMENTS, NAMED, NOTE, NOTES, WORD};
use crate::{
    AggregateId, Checkpoint, EventStore, Fence, Generation, NewParked, Phase, Position, Progress,
    ProjectionBatch, ProjectionChange, ProjectionError, ProjectionLayout, ProjectionRow, ProjectionTable,
    Row, Slot, Value, Version, Writing,
};

/// Longer than any test.
pub(super) const LONG: Duration = Duration::from_hours(1);

/// One who could own a projection.
pub(super) fn holder(n: u64) -> Uuid {
    Uuid::from_u64_pair(6, n)
}

/// Makes the suite's projections known, and owns the one.
pub(super) async fn owned(store: &impl EventStore, layout: &'static ProjectionLayout) -> Fence {
    declare(store, &[&NOTES, &DOCUMENTS]).await;
    let fence = store.projections().lease(layout.name, holder(1), "the suite", LONG).await;
    fence.expect("it is asked for").expect("nobody else has it")
}

/// The same, and it has walked already: there was nothing to walk through.
pub(super) async fn tailing(store: &impl EventStore) -> Fence {
    let fence = owned(store, &NOTES).await;
    store.projections().walked(&NOTES, Slot::Live, fence).await.expect("it has walked");
    fence
}

pub(super) async fn declare(store: &impl EventStore, layouts: &[&'static ProjectionLayout]) {
    store.projections().declare(layouts).await.expect("they are declared");
}

pub(super) async fn generations(store: &impl EventStore) -> Vec<Generation> {
    store.projections().generations().await.expect("the catalog is read")
}

pub(super) async fn maybe_generation(
    store: &impl EventStore,
    layout: &ProjectionLayout,
    slot: Slot,
) -> Option<Generation> {
    let all = generations(store).await;
    all.into_iter().find(|generation| generation.projection == layout.name && generation.slot == slot)
}

pub(super) async fn generation(store: &impl EventStore, layout: &ProjectionLayout, slot: Slot) -> Generation {
    maybe_generation(store, layout, slot).await.expect("there is one")
}

pub(super) async fn progress(store: &impl EventStore, layout: &ProjectionLayout, slot: Slot) -> Progress {
    let generation = generation(store, layout, slot).await;
    Progress { checkpoint: generation.checkpoint, phase: generation.phase }
}

/// The head of the log, as a checkpoint.
pub(super) async fn head(store: &impl EventStore) -> Checkpoint {
    let head = store.head().await.expect("the head is read");
    Checkpoint { log_id: store.log_id(), position: head.position, event_id: head.event_id }
}

/// A step of a projection, said word by word.
#[derive(Clone)]
pub(super) struct Step(pub(super) ProjectionBatch);

/// From where a generation stands: up to the head if it tails, else no further in its walk.
pub(super) async fn step(
    store: &impl EventStore,
    layout: &'static ProjectionLayout,
    slot: Slot,
    fence: Fence,
) -> Step {
    let from = progress(store, layout, slot).await;
    let (to, writing) = match from.phase {
        Phase::Tailing => {
            (Progress { checkpoint: head(store).await, phase: Phase::Tailing }, Writing::Upsert)
        }
        Phase::Walking { .. } => (from, Writing::Fresh),
    };
    let (streams, rows, park, unpark) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    Step(ProjectionBatch { layout, slot, fence, from, to, streams, rows, park, unpark, writing })
}

impl Step {
    pub(super) fn writing(mut self, table: &'static ProjectionTable, change: ProjectionChange) -> Self {
        self.0.rows.push(ProjectionRow { table, change });
        self
    }

    /// What was noted on a document.
    pub(super) fn noting(self, n: u64, number: i64, text: &str, stars: i64) -> Self {
        self.about(n).writing(&NOTE, ProjectionChange::Put(note(n, number, Some(text), stars)))
    }

    pub(super) fn naming(self, n: u64, name: &str) -> Self {
        self.about(n).writing(&NAMED, ProjectionChange::Put(named(n, name)))
    }

    pub(super) fn counting(self, word: &str, times: i64) -> Self {
        self.writing(&WORD, ProjectionChange::Put(counted(word, times)))
    }

    pub(super) fn about(mut self, n: u64) -> Self {
        if !self.0.streams.contains(&stream(n)) {
            self.0.streams.push(stream(n));
        }
        self
    }

    pub(super) fn having_walked(mut self, after: u64, events_done: u64) -> Self {
        self.0.to.phase = Phase::Walking { after: Some(stream(after)), events_done };
        self
    }

    pub(super) fn parking(mut self, event: NewParked) -> Self {
        self.0.park.push(event);
        self
    }

    pub(super) fn unparking(mut self, position: u64) -> Self {
        self.0.unpark.push(Position(position));
        self
    }

    pub(super) async fn on(self, store: &impl EventStore) -> Result<(), ProjectionError> {
        store.projections().apply(self.0).await.map(drop)
    }

    /// Takes it, and it must be taken.
    pub(super) async fn done(self, store: &impl EventStore) {
        self.on(store).await.expect("the step is taken");
    }
}

pub(super) fn note(n: u64, number: i64, text: Option<&str>, stars: i64) -> Row {
    let text = text.map_or(Value::Null, |text| Value::Text(text.to_owned()));
    vec![Value::Uuid(stream(n).0), Value::BigInt(number), text, Value::BigInt(stars)]
}

pub(super) fn named(n: u64, name: &str) -> Row {
    vec![Value::Uuid(stream(n).0), Value::Text(name.to_owned())]
}

pub(super) fn counted(word: &str, times: i64) -> Row {
    vec![Value::Text(word.to_owned()), Value::BigInt(times), Value::Null]
}

/// An event that could not be taken.
pub(super) fn unreadable(n: u64, position: u64, version: u64) -> NewParked {
    let (position, version) = (Position(position), Version(version));
    NewParked { aggregate_id: stream(n), position, version, cause: "unreadable".to_owned() }
}

/// All rows of a table, in the order of keys.
pub(super) async fn rows(store: &impl EventStore, table: &'static ProjectionTable, slot: Slot) -> Vec<Row> {
    store.projections().rows_after(table, slot, None, 10_000).await.expect("the table is read")
}

/// The states of these streams, in the order of their ids.
pub(super) async fn states(
    store: &impl EventStore,
    table: &'static ProjectionTable,
    slot: Slot,
    streams: &[u64],
) -> Vec<Row> {
    let ids: Vec<AggregateId> = streams.iter().copied().map(stream).collect();
    let mut rows = store.projections().states(table, slot, &ids).await.expect("states are read");
    rows.sort_by_key(|row| match row[0] {
        Value::Uuid(id) => id,
        _ => panic!("the first column is the stream's id"),
    });
    rows
}

pub(super) fn assert_fenced(result: &Result<(), ProjectionError>) {
    assert!(matches!(result, Err(ProjectionError::Fenced)), "{result:?}");
}
