//! Row changes of one step, put together: no key of a table is named twice, what is counted is added up.

use std::collections::{BTreeMap, BTreeSet};

use eventstore::{
    AggregateId, ProjectionChange, ProjectionRow, ProjectionTable, Row, Subject, Value, Writing,
};

/// The rows that a step changes.
#[derive(Debug, Default)]
pub(super) struct Rows {
    tables: Vec<TableRows>,
}

#[derive(Debug)]
struct TableRows {
    table: &'static ProjectionTable,
    gone: BTreeSet<AggregateId>,
    changes: BTreeMap<Row, Change>,
}

/// What happens to the row of one key.
#[derive(Debug)]
enum Change {
    /// It goes, if it is there.
    Delete,
    /// It is as given, what is counted is added to what is there.
    Put(Row),
    /// It is as given, whatever was there.
    Replace(Row),
}

impl Rows {
    /// The changes of one event: the stream deletions first, then the other deletions, then what is put.
    pub(super) fn add(&mut self, mut rows: Vec<ProjectionRow>) {
        rows.sort_by_key(|row| order(&row.change));
        for ProjectionRow { table, change } in rows {
            let rows = self.of(table);
            match change {
                ProjectionChange::DeleteStream(stream) => rows.delete_stream(stream),
                ProjectionChange::Delete(key) => rows.delete(key),
                ProjectionChange::Put(row) => rows.put(row),
            }
        }
    }

    /// Takes out what is about streams; what is about nobody stays.
    pub(super) fn take_about_streams(&mut self) -> Self {
        let (about_streams, others) =
            self.tables.drain(..).partition(|rows: &TableRows| is_about_streams(rows.table));
        self.tables = others;
        Self { tables: about_streams }
    }

    /// What is about nobody has been counted already.
    pub(super) fn forget_about_nobody(&mut self) {
        *self = self.take_about_streams();
    }

    /// All rows of a stream go before the changes that are here.
    pub(super) fn delete_first(&mut self, table: &'static ProjectionTable, stream: AggregateId) {
        self.of(table).gone.insert(stream);
    }

    /// As a batch wants them. What is written fresh has nothing to delete.
    pub(super) fn into_batch(self, writing: Writing) -> Vec<ProjectionRow> {
        let (mut gone, mut deleted, mut put) = (Vec::new(), Vec::new(), Vec::new());
        for rows in self.tables {
            let table = rows.table;
            let fresh = writing == Writing::Fresh && is_about_streams(table);
            let mut delete = |change| {
                if !fresh {
                    deleted.push(ProjectionRow { table, change });
                }
            };
            for (key, change) in rows.changes {
                match change {
                    Change::Delete => delete(ProjectionChange::Delete(key)),
                    Change::Replace(row) => {
                        if !table.counters.is_empty() {
                            delete(ProjectionChange::Delete(key));
                        }
                        put.push(ProjectionRow { table, change: ProjectionChange::Put(row) });
                    }
                    Change::Put(row) => {
                        put.push(ProjectionRow { table, change: ProjectionChange::Put(row) });
                    }
                }
            }
            if !fresh {
                let all = rows.gone.into_iter().map(ProjectionChange::DeleteStream);
                gone.extend(all.map(|change| ProjectionRow { table, change }));
            }
        }
        gone.into_iter().chain(deleted).chain(put).collect()
    }

    /// What one table holds of what was put, by key: the whole truth about a stream that was folded from its beginning.
    pub(super) fn put_in(&self, table: &'static ProjectionTable) -> BTreeMap<Row, Row> {
        let rows = self.tables.iter().filter(|rows| rows.table == table);
        let put = rows.flat_map(|rows| &rows.changes).filter_map(|(key, change)| match change {
            Change::Delete => None,
            Change::Put(row) | Change::Replace(row) => Some((key.clone(), row.clone())),
        });
        put.collect()
    }

    fn of(&mut self, table: &'static ProjectionTable) -> &mut TableRows {
        let place = self.tables.iter().position(|rows| rows.table == table).unwrap_or_else(|| {
            self.tables.push(TableRows { table, gone: BTreeSet::new(), changes: BTreeMap::new() });
            self.tables.len() - 1
        });
        &mut self.tables[place]
    }
}

impl TableRows {
    fn delete_stream(&mut self, stream: AggregateId) {
        self.changes.retain(|key, _| stream_of(key) != Some(stream));
        self.gone.insert(stream);
    }

    fn delete(&mut self, key: Row) {
        let gone = stream_of(&key).is_some_and(|stream| self.gone.contains(&stream));
        if gone && is_about_streams(self.table) {
            self.changes.remove(&key);
        } else {
            self.changes.insert(key, Change::Delete);
        }
    }

    fn put(&mut self, row: Row) {
        let key = row[..self.table.key_columns].to_vec();
        let change = match self.changes.remove(&key) {
            None => Change::Put(row),
            Some(Change::Delete) => Change::Replace(row),
            Some(Change::Put(before)) => Change::Put(summed(self.table, &before, row)),
            Some(Change::Replace(before)) => Change::Replace(summed(self.table, &before, row)),
        };
        self.changes.insert(key, change);
    }
}

/// A row after another of the same key: what is counted is added up, the rest is as in the later one.
pub(super) fn summed(table: &ProjectionTable, before: &Row, mut after: Row) -> Row {
    for (n, column) in table.columns.iter().enumerate() {
        if table.is_counter(column) {
            after[n] = sum(&before[n], &after[n]);
        }
    }
    after
}

fn sum(a: &Value, b: &Value) -> Value {
    match (a, b) {
        (Value::BigInt(a), Value::BigInt(b)) => Value::BigInt(a.saturating_add(*b)),
        (Value::SmallInt(a), Value::SmallInt(b)) => Value::SmallInt(a.saturating_add(*b)),
        // As SQL has it: nothing and something is nothing.
        _ => Value::Null,
    }
}

fn order(change: &ProjectionChange) -> u8 {
    match change {
        ProjectionChange::DeleteStream(_) => 0,
        ProjectionChange::Delete(_) => 1,
        ProjectionChange::Put(_) => 2,
    }
}

pub(super) fn is_about_streams(table: &ProjectionTable) -> bool {
    match table.subject {
        Subject::Stream(_) => true,
        Subject::Nobody => false,
    }
}

/// The stream that a row is about, if it is about one.
pub(super) fn stream_of(row: &[Value]) -> Option<AggregateId> {
    match row.first() {
        Some(Value::Uuid(id)) => Some(AggregateId(*id)),
        _ => None,
    }
}

/// The stream that a change of a table about streams is about.
pub(super) fn subject_of(change: &ProjectionChange) -> Option<AggregateId> {
    match change {
        ProjectionChange::Put(row) | ProjectionChange::Delete(row) => stream_of(row),
        ProjectionChange::DeleteStream(stream) => Some(*stream),
    }
}
