//! What is derived from the log beside the directory itself: the tables, and what each event makes of their rows.
//!
//! Pure but for the decoder, which needs keys. When and by whom rows are written is the runner's business.

mod user_history;
mod user_search;
mod user_activity;
mod users;

pub use user_activity::{ACTIVITY_DAY, ACTIVITY_STATUS, ACTIVITY_USER, USER_ACTIVITY};
pub use user_history::{STILL_HOLDS, USER_HISTORY, USER_HISTORY_TABLE};
pub use user_search::{USER_SEARCH, USER_SEARCH_TABLE};
pub use users::{USERS, USERS_TABLE};

use eventstore::{ColumnClass, ColumnKind, InlineColumn, ProjectionLayout};

/// Every projection of the product.
pub static LAYOUTS: &[&ProjectionLayout] = &[&USERS, &USER_SEARCH, &USER_HISTORY, &USER_ACTIVITY];

const fn column(name: &'static str, kind: ColumnKind, class: ColumnClass) -> InlineColumn {
    InlineColumn { name, kind, class, fixed: false }
}
