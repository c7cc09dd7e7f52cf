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

    /// One more event. Whether it was projected, or has nothing to do with the projection.
    pub(super) fn one<E: 'static>(&mut self, projector: &dyn Projector<E>, happened: &Happened<E>) -> bool {
        let recorded = &happened.recorded;
        if recorded.aggregate_type != projector.aggregate_type() {
            return true;
        }
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

#[cfg(test)]
mod tests {
    use eventstore::{
        ColumnClass, ColumnKind, EventId, InlineColumn, Metadata, OnErasure, Position, ProjectionMode,
        ProjectionTable, Subject, Value, Version, Writing,
    };
    use uuid::Uuid;

    use super::*;

    const fn column(name: &'static str, kind: ColumnKind) -> InlineColumn {
        InlineColumn { name, kind, class: ColumnClass::Public, fixed: false }
    }

    static SUM: ProjectionTable = ProjectionTable {
        name: "sum",
        columns: &[column("id", ColumnKind::Uuid), column("sum", ColumnKind::BigInt)],
        key_columns: 1,
        counters: &[],
        subject: Subject::Stream(OnErasure::Delete),
    };

    static TIMES: ProjectionTable = ProjectionTable {
        name: "times",
        columns: &[column("what", ColumnKind::Text), column("times", ColumnKind::BigInt)],
        key_columns: 1,
        counters: &["times"],
        subject: Subject::Nobody,
    };

    static SUMS: ProjectionLayout = ProjectionLayout {
        name: "sums",
        revision: 1,
        mode: ProjectionMode::Async,
        tables: &[&SUM, &TIMES],
        subjects: None,
    };

    /// Adds up; zero takes the row away, thirteen panics, more than a hundred makes a row that does not fit.
    #[derive(Debug)]
    struct Sums;

    impl Projector<(u64, i64)> for Sums {
        fn layout(&self) -> &'static ProjectionLayout {
            &SUMS
        }

        fn aggregate_type(&self) -> &'static str {
            "sum"
        }

        fn project(&self, state: Option<&Row>, (stream, n): &(u64, i64)) -> Vec<ProjectionRow> {
            assert_ne!(*n, 13, "bad luck");
            let before = match state {
                Some(row) => row[1].clone(),
                None => Value::BigInt(0),
            };
            let Value::BigInt(before) = before else { panic!("a sum is a number") };
            let sum = match n {
                0 => ProjectionChange::DeleteStream(id(*stream)),
                101.. => ProjectionChange::Put(vec![]),
                _ => ProjectionChange::Put(vec![Value::Uuid(id(*stream).0), Value::BigInt(before + n)]),
            };
            vec![ProjectionRow { table: &SUM, change: sum }, times(1)]
        }
    }

    fn id(stream: u64) -> AggregateId {
        AggregateId(Uuid::from_u64_pair(0, stream))
    }

    fn times(times: i64) -> ProjectionRow {
        let row = vec![Value::Text("added".to_owned()), Value::BigInt(times)];
        ProjectionRow { table: &TIMES, change: ProjectionChange::Put(row) }
    }

    fn sum(stream: u64, sum: i64) -> ProjectionRow {
        let row = vec![Value::Uuid(id(stream).0), Value::BigInt(sum)];
        ProjectionRow { table: &SUM, change: ProjectionChange::Put(row) }
    }

    fn folded(states: Vec<Row>, numbers: &[(u64, i64)]) -> Fold {
        let mut fold = Fold::from(states, HashSet::new());
        for (n, (stream, number)) in (1..).zip(numbers) {
            fold.one(&Sums, &Happened { recorded: recorded(n, *stream), event: Ok((*stream, *number)) });
        }
        fold
    }

    fn recorded(n: u64, stream: u64) -> RecordedEvent {
        RecordedEvent {
            position: Position(n),
            recorded_at: jiff::Timestamp::UNIX_EPOCH,
            aggregate_type: "sum".to_owned(),
            aggregate_id: id(stream),
            version: Version(n),
            event_id: EventId(Uuid::nil()),
            event_type: "added".to_owned(),
            schema_version: 1,
            data: String::new(),
            sealed: None,
            metadata: Metadata::default(),
        }
    }

    #[test]
    fn states_go_from_event_to_event_and_no_key_is_named_twice() {
        let fold = folded(vec![vec![Value::Uuid(id(1).0), Value::BigInt(40)]], &[(1, 1), (2, 5), (1, 1)]);
        assert_eq!(fold.rows.into_batch(Writing::Upsert), [sum(1, 42), sum(2, 5), times(3)]);
        assert_eq!(fold.park, []);
    }

    #[test]
    fn a_deleted_stream_begins_anew_and_its_deletion_comes_first() {
        let fold = folded(vec![vec![Value::Uuid(id(1).0), Value::BigInt(40)]], &[(1, 1), (1, 0), (1, 3)]);
        let gone = ProjectionRow { table: &SUM, change: ProjectionChange::DeleteStream(id(1)) };
        assert_eq!(fold.rows.into_batch(Writing::Upsert), [gone, sum(1, 3), times(3)]);
        let fresh = folded(vec![], &[(1, 1), (1, 0), (1, 3)]);
        assert_eq!(
            fresh.rows.into_batch(Writing::Fresh),
            [sum(1, 3), times(3)],
            "there is nothing to delete"
        );
    }

    #[test]
    fn an_event_of_another_kind_of_stream_passes_by() {
        let mut fold = folded(vec![], &[(1, 1)]);
        let mut recorded = recorded(2, 2);
        "difference".clone_into(&mut recorded.aggregate_type);
        let unreadable =
            Happened { recorded, event: Err(Undecodable("of a type that is not known".to_owned())) };
        assert!(fold.one(&Sums, &unreadable));
        assert_eq!((fold.park.len(), fold.streams.len()), (0, 1));
        assert_eq!(fold.rows.into_batch(Writing::Upsert), [sum(1, 1), times(1)]);
    }

    #[test]
    fn a_panic_and_a_row_that_does_not_fit_park_their_stream_and_no_other() {
        for bad in [13, 101] {
            let fold = folded(vec![], &[(1, 1), (1, bad), (2, 5), (1, 1)]);
            let parked: Vec<_> = fold.park.iter().map(|parked| (parked.position.0, &*parked.cause)).collect();
            let cause = match bad {
                13 => "the projector panicked",
                _ => "the projector made a row that does not fit sum",
            };
            assert_eq!(parked, [(2, cause), (4, "")]);
            assert_eq!(fold.rows.into_batch(Writing::Upsert), [sum(1, 1), sum(2, 5), times(2)]);
        }
    }
}
