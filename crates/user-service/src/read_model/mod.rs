//! The read side: each live user as she is now. A row equals the fold of her events, in the same transaction.

mod table;
mod users;

pub use table::USER_READ_MODEL;
pub(crate) use table::{corrupt, full_row, updated_row, user_of};
pub use users::{Loaded, STATEMENTS, by_claim, by_id, load, page};
