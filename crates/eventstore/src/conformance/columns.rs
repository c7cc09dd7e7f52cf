//! Column classes: each column of each table is listed with how careful one has to be with it.

use std::collections::BTreeMap;

use super::Fixture;
use super::scene::open;
use super::tables::{ALL, NOTES};
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
    ("projections", "name", Public),
    ("projections", "slot", Public),
    ("projections", "mode", Public),
    ("projections", "number", Public),
    ("projections", "revision", Public),
    ("projections", "log_id", Id),
    ("projections", "position", Id),
    ("projections", "event_id", Id),
    ("projections", "phase", Public),
    ("projections", "walk_after", Id),
    ("projections", "events_done", Public),
    ("projections", "paused", Public),
    ("projections", "updated_at", Public),
    ("projection_leases", "projection", Public),
    ("projection_leases", "holder", Id),
    ("projection_leases", "epoch", Public),
    ("projection_leases", "label", Public),
    ("projection_leases", "expires_at", Public),
    ("projection_wishes", "projection", Public),
    ("projection_wishes", "ticket", Public),
    ("projection_wishes", "wish", Public),
    ("projection_wishes", "answer", Public),
    ("projection_wishes", "asked_at", Public),
    ("parked_events", "projection", Public),
    ("parked_events", "number", Public),
    ("parked_events", "position", Id),
    ("parked_events", "aggregate_id", Id),
    ("parked_events", "version", Public),
    ("parked_events", "cause", Public),
    ("parked_events", "parked_at", Public),
    ("derived_tables", "table_name", Public),
    ("derived_tables", "base_name", Public),
    ("derived_tables", "projection", Public),
    ("derived_tables", "number", Public),
    ("derived_tables", "id_column", Public),
    ("derived_tables", "redacts", Public),
];

pub async fn every_column_has_a_class<F: Fixture>(fixture: &F) {
    let _store = open(fixture).await;
    let declared = ALL
        .iter()
        .flat_map(|table| table.columns.iter().map(|column| (table.name, column.name, column.class)));
    let projected = NOTES
        .tables
        .iter()
        .flat_map(|table| table.columns.iter().map(|column| (table.name, column.name, column.class)));
    let classes: BTreeMap<_, _> = LOG
        .iter()
        .copied()
        .chain(declared)
        .chain(projected)
        .map(|(table, column, class)| ((table.to_owned(), column.to_owned()), class))
        .collect();
    let mut found = fixture.columns().await;
    found.sort_unstable();
    assert_eq!(found, classes.keys().cloned().collect::<Vec<_>>());
}
