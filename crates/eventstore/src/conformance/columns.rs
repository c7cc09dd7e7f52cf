//! Column classes: each column of each table is listed with how careful one has to be with it.

use std::collections::BTreeMap;

use super::Fixture;
use super::scene::open;
use super::tables::ALL;
use crate::ColumnClass::{self, Derived, Id, Public, Sealed};

/// The log's own columns. `data` holds ids and enums only; a claim's key and a fingerprint are keyed hashes of what is
/// personal, so they are as personal as what they were made from.
const LOG: &[(&str, &str, ColumnClass)] = &[
    ("events", "position", Id),
    ("events", "recorded_at", Public),
    ("events", "aggregate_id", Id),
    ("events", "version", Public),
    ("events", "event_id", Id),
    ("events", "aggregate_type", Public),
    ("events", "event_type", Public),
    ("events", "schema_version", Public),
    ("events", "actor", Id),
    ("events", "request_id", Id),
    ("events", "correlation_id", Id),
    ("events", "causation_id", Id),
    ("events", "data", Public),
    ("events", "sealed", Sealed),
    ("claims", "key", Derived),
    ("claims", "aggregate_id", Id),
    ("requests", "key", Id),
    ("requests", "fingerprint", Derived),
    ("requests", "aggregate_id", Id),
    ("requests", "version", Public),
    ("requests", "position", Id),
    ("log_meta", "only_row", Id),
    ("log_meta", "log_id", Id),
    ("log_meta", "writer_floor", Public),
    ("log_meta", "layout", Public),
];

pub async fn every_column_has_a_class<F: Fixture>(fixture: &F) {
    let _store = open(fixture).await;
    let declared = ALL
        .iter()
        .flat_map(|table| table.columns.iter().map(|column| (table.name, column.name, column.class)));
    let classes: BTreeMap<_, _> = LOG
        .iter()
        .copied()
        .chain(declared)
        .map(|(table, column, class)| ((table.to_owned(), column.to_owned()), class))
        .collect();
    let mut found = fixture.columns().await;
    found.sort_unstable();
    assert_eq!(found, classes.keys().cloned().collect::<Vec<_>>());
}
