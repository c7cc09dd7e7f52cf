//! The projection `user_activity`: how often what happened on which day, how many users had which status, and where
//! their addresses are. Counts name nobody, and erasing takes nobody out of them.

use eventstore::{
    ColumnClass, ColumnKind, OnErasure, ProjectionLayout, ProjectionMode, ProjectionTable, Subject,
};

use super::column;
use crate::vault::USER_SECRET;

/// What a dashboard wants.
pub static USER_ACTIVITY: ProjectionLayout = ProjectionLayout {
    name: "user_activity",
    revision: 1,
    mode: ProjectionMode::Async,
    tables: &[&ACTIVITY_USER, &ACTIVITY_DAY, &ACTIVITY_STATUS],
    subjects: Some(&USER_SECRET),
};

/// What the counts go on from: one row per user, erased ones too.
pub static ACTIVITY_USER: ProjectionTable = ProjectionTable {
    name: "activity_user",
    columns: &[
        column("id", ColumnKind::Uuid, ColumnClass::Id),
        column("status", ColumnKind::Text, ColumnClass::Public),
        column("standing", ColumnKind::SmallInt, ColumnClass::Public),
        column("email_domain", ColumnKind::Text, ColumnClass::Derived),
    ],
    key_columns: 1,
    counters: &[],
    subject: Subject::Stream(OnErasure::Redact),
};

/// Events by day and type.
pub static ACTIVITY_DAY: ProjectionTable = ProjectionTable {
    name: "activity_day",
    columns: &[
        column("day", ColumnKind::Text, ColumnClass::Public),
        column("event_type", ColumnKind::Text, ColumnClass::Public),
        column("events", ColumnKind::BigInt, ColumnClass::Public),
    ],
    key_columns: 2,
    counters: &["events"],
    subject: Subject::Nobody,
};

/// How many users more than before have a status at the end of a day.
pub static ACTIVITY_STATUS: ProjectionTable = ProjectionTable {
    name: "activity_status",
    columns: &[
        column("day", ColumnKind::Text, ColumnClass::Public),
        column("status", ColumnKind::Text, ColumnClass::Public),
        column("change", ColumnKind::BigInt, ColumnClass::Public),
    ],
    key_columns: 2,
    counters: &["change"],
    subject: Subject::Nobody,
};
