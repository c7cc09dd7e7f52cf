//! The projection `user_history`: every state of every user, and the positions between which it held.
//!
//! Whoever has been erased keeps what the kinds of her events tell, status and times; what she was is null.

use eventstore::{
    ColumnClass, ColumnKind, OnErasure, ProjectionLayout, ProjectionMode, ProjectionTable, Subject,
};

use super::column;
use crate::vault::USER_SECRET;

/// The `to_position` of a state that holds: no log gets that far.
pub const STILL_HOLDS: i64 = i64::MAX;

/// The directory at any moment.
pub static USER_HISTORY: ProjectionLayout = ProjectionLayout {
    name: "user_history",
    revision: 1,
    mode: ProjectionMode::Async,
    tables: &[&USER_HISTORY_TABLE],
    subjects: Some(&USER_SECRET),
};

/// One row per state: the place of the event that led to it, where it ended, then the user as the read model has her.
pub static USER_HISTORY_TABLE: ProjectionTable = ProjectionTable {
    name: "user_history",
    columns: &[
        column("id", ColumnKind::Uuid, ColumnClass::Id),
        column("version", ColumnKind::BigInt, ColumnClass::Public),
        column("from_position", ColumnKind::BigInt, ColumnClass::Public),
        column("to_position", ColumnKind::BigInt, ColumnClass::Public),
        column("from_time", ColumnKind::Time, ColumnClass::Public),
        column("email", ColumnKind::Text, ColumnClass::Derived),
        column("username", ColumnKind::Text, ColumnClass::Derived),
        column("first_name", ColumnKind::Text, ColumnClass::Derived),
        column("last_name", ColumnKind::Text, ColumnClass::Derived),
        column("avatar_url", ColumnKind::Text, ColumnClass::Derived),
        column("status", ColumnKind::Text, ColumnClass::Public),
        column("standing", ColumnKind::SmallInt, ColumnClass::Public),
        column("created_at", ColumnKind::Time, ColumnClass::Public),
        column("last_updated", ColumnKind::Time, ColumnClass::Public),
        column("deleted_at", ColumnKind::Time, ColumnClass::Public),
        column("email_claim", ColumnKind::Uuid, ColumnClass::Derived),
        column("username_claim", ColumnKind::Uuid, ColumnClass::Derived),
    ],
    key_columns: 2,
    counters: &[],
    subject: Subject::Stream(OnErasure::Redact),
};
