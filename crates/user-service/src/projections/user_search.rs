//! The projection `user_search`: each live user as she is, searchable in any case and sortable in every order that the
//! lean row of the read model does not carry.

use eventstore::{
    ColumnClass, ColumnKind, OnErasure, ProjectionLayout, ProjectionMode, ProjectionTable, Row, Subject,
    Value,
};
use user_domain::LiveUser;

use super::{LiveUsers, column};
use crate::read_model::{full_row, number};
use crate::vault::USER_SECRET;

/// For searching and sorting.
pub static USER_SEARCH: ProjectionLayout = ProjectionLayout {
    name: "user_search",
    revision: 2,
    mode: ProjectionMode::Async,
    tables: &[&USER_SEARCH_TABLE],
    subjects: Some(&USER_SECRET),
};

/// The columns of the read model in their order, then the keys to sort by, the text to search in, and where the log
/// told of her first: the order of creation, without ties.
pub static USER_SEARCH_TABLE: ProjectionTable = ProjectionTable {
    name: "user_search",
    columns: &[
        column("id", ColumnKind::Uuid, ColumnClass::Id),
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
        column("version", ColumnKind::BigInt, ColumnClass::Public),
        column("position", ColumnKind::BigInt, ColumnClass::Public),
        column("email_key", ColumnKind::Text, ColumnClass::Derived),
        column("username_key", ColumnKind::Text, ColumnClass::Derived),
        column("folded", ColumnKind::Text, ColumnClass::Derived),
        column("created_position", ColumnKind::BigInt, ColumnClass::Public),
    ],
    key_columns: 1,
    counters: &[],
    subject: Subject::Stream(OnErasure::Delete),
};

const CREATED_POSITION: usize = 16;

/// What writes it.
pub const USER_SEARCH_PROJECTOR: LiveUsers = LiveUsers { layout: &USER_SEARCH, row };

fn row(user: &LiveUser, before: Option<&Row>) -> Row {
    let added = [user.email.compare_key(), user.username.compare_key(), user.searched()].map(Value::Text);
    let created = before.map_or_else(|| number(user.position.0), |before| before[CREATED_POSITION].clone());
    full_row(user).into_iter().chain(added).chain([created]).collect()
}
