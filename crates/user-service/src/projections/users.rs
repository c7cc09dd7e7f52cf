//! The projection `users`: the read model itself. Appends write it; this is how it is built anew, compared and mended.

use eventstore::{OnErasure, ProjectionLayout, ProjectionMode, ProjectionTable, Subject};

use super::LiveUsers;
use crate::read_model::{USER_READ_MODEL, full_row};
use crate::vault::USER_SECRET;

/// The read model as a projection.
pub static USERS: ProjectionLayout = ProjectionLayout {
    name: "users",
    revision: USER_READ_MODEL.generation,
    mode: ProjectionMode::Inline,
    tables: &[&USERS_TABLE],
    subjects: Some(&USER_SECRET),
};

/// The table `user_read_model`, as the inline table declares it.
pub static USERS_TABLE: ProjectionTable = ProjectionTable {
    name: USER_READ_MODEL.name,
    columns: USER_READ_MODEL.columns,
    key_columns: 1,
    counters: &[],
    subject: Subject::Stream(OnErasure::Delete),
};

/// What writes it where no append does.
pub const USERS_PROJECTOR: LiveUsers = LiveUsers { layout: &USERS, row: |user, _| full_row(user) };
