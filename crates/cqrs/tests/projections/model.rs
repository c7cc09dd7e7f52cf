//! The rows as somebody would make them who has all the time in the world: event by event, in the order of the log.

use std::collections::{BTreeMap, HashMap};

use cqrs::projection::{Decode, Projector};
use eventstore::{
    AggregateId, ProjectionChange, ProjectionLayout, ProjectionTable, RecordedEvent, Row, Value,
};

use crate::accounts::{Accounts, Happened, Reader, Rows, Tally};
use crate::scene::{Scene, Tables};

/// What the tables of a projection must hold after these events.
pub(crate) async fn fold(
    scene: &Scene,
    layout: &'static ProjectionLayout,
    events: &[RecordedEvent],
) -> Tables {
    let reader = Reader { store: scene.store(), fixed: scene.fixed.clone() };
    let projector: Box<dyn Projector<Happened>> = match layout.name {
        "accounts" => Box::new(Accounts { layout, fixed: scene.fixed.clone() }),
        "account_rows" => Box::new(Rows),
        _ => Box::new(Tally(layout)),
    };
    let mut tables: BTreeMap<&'static str, BTreeMap<Row, Row>> =
        layout.tables.iter().map(|table| (table.name, BTreeMap::new())).collect();
    let mut states: HashMap<AggregateId, Row> = HashMap::new();
    for happened in reader.decode(events).await.unwrap().into_iter().flatten() {
        let rows = projector.project(states.get(&happened.id), &happened);
        for row in rows {
            let rows = tables.get_mut(row.table.name).unwrap();
            match row.change {
                ProjectionChange::DeleteStream(id) => rows.retain(|key, _| key[0] != Value::Uuid(id.0)),
                ProjectionChange::Delete(key) => drop(rows.remove(&key)),
                ProjectionChange::Put(put) => {
                    if row.table == layout.tables[0] {
                        states.insert(happened.id, put.clone());
                    }
                    let key = put[..row.table.key_columns].to_vec();
                    let before = rows.get(&key).cloned();
                    rows.insert(key, added(row.table, before.as_ref(), put));
                }
            }
        }
    }
    tables.into_iter().map(|(name, rows)| (name, rows.into_values().collect())).collect()
}

fn added(table: &ProjectionTable, before: Option<&Row>, mut row: Row) -> Row {
    for (n, column) in table.columns.iter().enumerate() {
        if let (true, Some(Value::BigInt(a))) = (table.is_counter(column), before.map(|before| &before[n])) {
            let Value::BigInt(b) = row[n] else { panic!("a counter is a number") };
            row[n] = Value::BigInt(a + b);
        }
    }
    row
}

/// The live generation of the accounts is what the log says.
pub(crate) async fn assert_accounts(scene: &Scene, layout: &'static ProjectionLayout) {
    let log = scene.log().await;
    assert_eq!(scene.tables(layout, eventstore::Slot::Live).await, fold(scene, layout, &log).await);
}
