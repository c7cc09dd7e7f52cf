//! From events and states to rows: what a step changes, without a store. An event that cannot be projected is parked,
//! with all later ones of its stream, and the others go on.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use eventstore::{
    AggregateId, NewParked, ProjectionChange, ProjectionLayout, ProjectionRow, RecordedEvent, Row,
};

use super::rows::{Rows, stream_of, summed};
use super::{Projector, Undecodable};

/// An event, and what became of reading it.
#[derive(Debug)]
pub(super) struct Happened<E> {
    pub(super) recorded: RecordedEvent,
    pub(super) event: Result<E, Undecodable>,
}

/// What some events come to.
#[derive(Debug, Default)]
pub(super) struct Fold {
    states: HashMap<AggregateId, Row>,
    /// What changes.
    pub(super) rows: Rows,
    /// Whose events were projected.
    pub(super) streams: BTreeSet<AggregateId>,
    /// What could not be projected.
    pub(super) park: Vec<NewParked>,
    /// How often a part of it has been written already.
    pub(super) pieces: u32,
    stopped: HashSet<AggregateId>,
}

impl Fold {
    /// Goes on from these states. `stopped` are parked already.
    pub(super) fn from(states: Vec<Row>, stopped: HashSet<AggregateId>) -> Self {
        let states = states.into_iter().filter_map(|row| Some((stream_of(&row)?, row))).collect();
        Self { states, stopped, ..Self::default() }
    }

    /// One more event of each of these, in order.
    pub(super) fn all<E: 'static>(&mut self, projector: &dyn Projector<E>, events: &[Happened<E>]) {
        for happened in events {
            self.one(projector, happened);
        }
    }

    /// One more event. Whether it was projected.
    pub(super) fn one<E: 'static>(&mut self, projector: &dyn Projector<E>, happened: &Happened<E>) -> bool {
        let recorded = &happened.recorded;
        if self.stopped.contains(&recorded.aggregate_id) {
            self.park(recorded, String::new());
            return false;
        }
        match self.projected(projector, happened) {
            Ok(rows) => {
                self.streams.insert(recorded.aggregate_id);
                self.remember(projector.layout(), recorded.aggregate_id, &rows);
                self.rows.add(rows);
                true
            }
            Err(cause) => {
                self.stopped.insert(recorded.aggregate_id);
                self.park(recorded, cause);
                false
            }
        }
    }

    fn projected<E: 'static>(
        &self,
        projector: &dyn Projector<E>,
        happened: &Happened<E>,
    ) -> Result<Vec<ProjectionRow>, String> {
        let event = happened.event.as_ref().map_err(|undecodable| undecodable.0.clone())?;
        let state = self.states.get(&happened.recorded.aggregate_id);
        // What a panic says can hold anything, so it does not become the cause.
        let rows = catch_unwind(AssertUnwindSafe(|| projector.project(state, event)))
            .map_err(|_| "the projector panicked".to_owned())?;
        match rows.iter().find(|row| !fits(row)) {
            Some(row) => Err(format!("the projector made a row that does not fit {}", row.table.name)),
            None => Ok(rows),
        }
    }

    fn remember(&mut self, layout: &ProjectionLayout, stream: AggregateId, rows: &[ProjectionRow]) {
        let table = layout.tables[0];
        let own = || rows.iter().filter(|row| row.table == table);
        if own().any(|row| row.change == ProjectionChange::DeleteStream(stream)) {
            self.states.remove(&stream);
        }
        for row in own() {
            if let ProjectionChange::Put(row) = &row.change {
                let key = ..table.key_columns;
                let state = match self.states.get(&stream) {
                    Some(before) if before[key] == row[key] => summed(table, before, row.clone()),
                    _ => row.clone(),
                };
                self.states.insert(stream, state);
            }
        }
    }

    fn park(&mut self, recorded: &RecordedEvent, cause: String) {
        let RecordedEvent { aggregate_id, position, version, .. } = *recorded;
        self.park.push(NewParked { aggregate_id, position, version, cause });
    }
}

fn fits(row: &ProjectionRow) -> bool {
    let table = row.table;
    let fit = |values: &Row, columns: &[eventstore::InlineColumn]| {
        values.len() == columns.len()
            && values.iter().zip(columns).all(|(value, column)| value.fits(column.kind))
    };
    match &row.change {
        ProjectionChange::Put(row) => fit(row, table.columns),
        ProjectionChange::Delete(key) => fit(key, table.key()),
        ProjectionChange::DeleteStream(_) => true,
    }
}
