//! The tables of a projection in memory, changed as the port says that a store changes them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use cqrs::projection::Projector;
use eventstore::{
    AggregateId, ColumnClass, InlineColumn, OnErasure, ProjectionChange, ProjectionLayout, Row, Subject,
    Value,
};

use crate::projections::DecodedUserEvent;

/// The tables of one projection in memory, by name and key, changed as the port says that a store changes them.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Tables(BTreeMap<(&'static str, String), Row>);

impl Tables {
    pub(super) fn of(&self, table: &str) -> Vec<&Row> {
        self.0.iter().filter(|((name, _), _)| *name == table).map(|(_, row)| row).collect()
    }

    /// One event after the other, each with the state that the rows so far say.
    pub(super) fn after(projector: &dyn Projector<DecodedUserEvent>, events: &[DecodedUserEvent]) -> Self {
        let mut tables = Self::default();
        for event in events {
            tables.take(projector, event);
        }
        tables
    }

    pub(super) fn take(&mut self, projector: &dyn Projector<DecodedUserEvent>, event: &DecodedUserEvent) {
        let first = projector.layout().tables[0].name;
        let id = Value::Uuid(event.happened.aggregate_id.0);
        let state = self.of(first).into_iter().rfind(|row| row[0] == id).cloned();
        for row in projector.project(state.as_ref(), event) {
            let table = row.table;
            match row.change {
                ProjectionChange::Put(new) => {
                    assert_eq!(new.len(), table.columns.len());
                    let fits = new.iter().zip(table.columns).all(|(value, column)| value.fits(column.kind));
                    assert!(fits, "{new:?} does not fit {}", table.name);
                    let place = (table.name, key(&new[..table.key_columns]));
                    let old = self.0.get(&place).cloned();
                    self.0.insert(place, added(table.counters, table.columns, old, new));
                }
                ProjectionChange::Delete(gone) => drop(self.0.remove(&(table.name, key(&gone)))),
                ProjectionChange::DeleteStream(stream) => {
                    self.0.retain(|(name, _), row| *name != table.name || row[0] != Value::Uuid(stream.0));
                }
            }
        }
    }

    /// What the store does in the transaction of an erasure.
    pub(super) fn clean(&mut self, layout: &ProjectionLayout, erased: AggregateId) {
        for table in layout.tables {
            let of_her = |name: &str, row: &Row| name == table.name && row[0] == Value::Uuid(erased.0);
            match table.subject {
                Subject::Nobody => {}
                Subject::Stream(OnErasure::Delete) => self.0.retain(|(name, _), row| !of_her(name, row)),
                Subject::Stream(OnErasure::Redact) => {
                    for ((name, _), row) in &mut self.0 {
                        let hers = of_her(name, row);
                        for (value, _) in row
                            .iter_mut()
                            .zip(table.columns)
                            .filter(|(_, column)| hers && column.class == ColumnClass::Derived)
                        {
                            *value = Value::Null;
                        }
                    }
                }
            }
        }
    }
}

fn added(counters: &[&str], columns: &[InlineColumn], old: Option<Row>, new: Row) -> Row {
    let Some(old) = old else { return new };
    let sum = |((old, new), column): ((Value, Value), &InlineColumn)| match (old, new) {
        (Value::BigInt(old), Value::BigInt(new)) if counters.contains(&column.name) => {
            Value::BigInt(old + new)
        }
        (_, new) => new,
    };
    old.into_iter().zip(new).zip(columns).map(sum).collect()
}

/// In the order of the values, as long as numbers are small.
fn key(values: &[Value]) -> String {
    values.iter().fold(String::new(), |mut text, value| {
        match value {
            Value::BigInt(number) => write!(text, "{number:020}/"),
            Value::Uuid(id) => write!(text, "{id}/"),
            other => write!(text, "{other:?}/"),
        }
        .expect("memory does not fail");
        text
    })
}
