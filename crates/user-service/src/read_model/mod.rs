//! The read side: each live user as she is now. A row equals the fold of her events, in the same transaction.

mod table;
mod users;
mod order;
mod search;
mod activity;

pub use activity::{
    ACTIVITY_STATEMENTS, ChangeOfDay, EventsOfDay, UsersOfDomain, changes_by_day, events_by_day, top_domains,
    users_before, users_by_status,
};
pub use order::{CreatedBetween, CreatedFrom, SearchPlace, SortKey, Sorting, UserOrder};
pub use search::{
    Created, SEARCH_STATEMENTS, SearchFound, SearchSlice, called, called_along, count_created, search,
};
pub use table::USER_READ_MODEL;
pub(crate) use table::{full_row, number, updated_row, user_of};
pub(crate) use users::row;
pub use users::{Loaded, STATEMENTS, USER, USER_COLUMNS, by_claim, by_id, by_ids, load, page};
