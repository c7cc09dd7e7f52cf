//! What is derived from the log beside the directory itself: the tables, and what each event makes of their rows.
//!
//! Pure but for the decoder, which needs keys. When and by whom rows are written is the runner's business.

mod decoder;
mod live_users;
mod users;
mod user_search;
mod user_history;
mod user_activity;
mod parked;
mod shown;
#[cfg(test)]
mod tests;

pub use decoder::{DecodedUserEvent, UserDecoder};
pub use live_users::LiveUsers;
pub(crate) use parked::parked_of;
pub use shown::{parked, shown};
pub use user_activity::{ACTIVITY_DAY, ACTIVITY_STATUS, ACTIVITY_USER, USER_ACTIVITY, UserActivity};
pub use user_history::{STILL_HOLDS, USER_HISTORY, USER_HISTORY_TABLE, UserHistory};
pub use user_search::{USER_SEARCH, USER_SEARCH_PROJECTOR, USER_SEARCH_TABLE};
pub use users::{USERS, USERS_PROJECTOR, USERS_TABLE};

use std::sync::Arc;

use cqrs::projection::{Projector, RunnerSettings};
use eventstore::{ColumnClass, ColumnKind, InlineColumn, InlineTable, ProjectionLayout};

use crate::Sources;
use crate::store::TABLES;
use crate::traces::Traced;

/// Every projection of the product.
pub static LAYOUTS: &[&ProjectionLayout] = &[&USERS, &USER_SEARCH, &USER_HISTORY, &USER_ACTIVITY];

/// What writes them, in the same order.
#[must_use]
pub fn projectors() -> Vec<Arc<dyn Projector<DecodedUserEvent>>> {
    vec![
        Arc::new(Traced(USERS_PROJECTOR)),
        Arc::new(Traced(USER_SEARCH_PROJECTOR)),
        Arc::new(Traced(UserHistory)),
        Arc::new(Traced(UserActivity)),
    ]
}

/// How they are run in this process, unless somebody says otherwise.
#[must_use]
pub fn runner_settings() -> RunnerSettings {
    let host = rustix::system::uname();
    let label = format!("{} {}", host.nodename().to_string_lossy(), std::process::id());
    // From the system, also where other randomness has a seed: no two processes may hold a lease under one name.
    let holder = Sources::system().uuid();
    RunnerSettings { inline_layout: Some(InlineTable::layout(TABLES)), ..RunnerSettings::new(holder, label) }
}

const fn column(name: &'static str, kind: ColumnKind, class: ColumnClass) -> InlineColumn {
    InlineColumn { name, kind, class, fixed: false }
}
