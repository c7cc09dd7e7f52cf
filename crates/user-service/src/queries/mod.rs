//! What can be asked about users: one file per question. Answers come from the store as it is now, and
//! those about the past from the log.

mod activity;
mod event_entry;
mod event_question;
mod event_walk;
mod export_events;
mod export_users;
mod find_user;
mod batch_get_users;
mod freshness;
mod list_events;
mod list_user_events;
mod list_users;
mod moment;
mod past;
mod projected;
mod states;
mod owner_at;
mod users_at;
mod user_events;
mod user_at;
mod diff_user;
mod diff_users;
mod explain_user;
mod page_token;
mod search_users;
mod few_users;
mod count_users;
mod period;
mod attempt;
mod verify_password;

pub use activity::{Activity, Days, activity};
pub use attempt::Attempter;
pub use batch_get_users::{Batch, batch_get_users};
pub use count_users::{Total, count_users};
pub use diff_user::{DiffKind, UserDiff, diff_user};
pub use diff_users::{DiffMark, DiffPage, diff_users};
pub use event_entry::{ListedEvent, TokenEventEntry, UserEventEntry, listed};
pub use event_question::{EventQuestion, EventsPage, PageOf};
pub use explain_user::{Explanation, FieldOrigin, explain_user};
pub use export_events::{Export, ExportError, ExportPart, Exports};
pub use export_users::{UserExport, UserExportPart, UserExportQuestion};
pub use find_user::{UserRef, find_user};
pub use freshness::Freshness;
pub(crate) use freshness::of_catalog;
pub use list_events::list_events;
pub use list_user_events::list_user_events;
pub use list_users::{ListQuestion, UserPage, list_users};
pub use moment::{Moment, position_at};
pub use owner_at::{Owned, owner_at};
pub use page_token::{BadToken, PageToken};
pub use past::{Absence, Past};
pub use period::{Period, Span};
pub use states::STATEMENTS;
pub(crate) use states::{Ids, users_by_id};
pub use user_at::user_at;
pub use user_events::Until;
pub use users_at::{PastPage, users_at};
pub use verify_password::{verify_old_password, verify_password};

use std::time::Duration;

use cqrs::projection::NotReached;
use eventstore::{Position, ReadError};
use thiserror::Error;

use crate::directory::HistoryError;
use crate::vault::MasterKeyError;

/// Why a question has no answer.
#[derive(Debug, Error)]
pub enum QueryError {
    /// See its cause.
    #[error("the store cannot be read")]
    Store(#[from] ReadError),
    /// Too much is under way. Retry after a pause.
    #[error("overloaded")]
    Overloaded,
    /// Too many attempts at a password have failed. Wait, then retry.
    #[error("too many attempts")]
    TooManyAttempts {
        /// For so long.
        retry_after: Duration,
    },
    /// The log has not come to the moment that was asked for.
    #[error("the log has not reached this position")]
    NotReached {
        /// Where it stands.
        head: Position,
    },
    /// What only reads had not come to the position when the deadline passed. Retry, or ask an instance that writes.
    #[error("this replica has not come to this position")]
    ReplicaBehind {
        /// Where it stands.
        head: Position,
    },
    /// A projection does not show what is asked of it.
    #[error("the projection {projection} does not show this position")]
    Projection {
        /// Its name.
        projection: &'static str,
        /// Why not.
        #[source]
        cause: NotReached,
    },
    /// The page token is not one that this service gave for this question.
    #[error(transparent)]
    BadToken(#[from] BadToken),
    /// What is stored cannot be understood. Wake someone.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// A user's key cannot be unwrapped. Wake someone.
    #[error("a user's key cannot be unwrapped")]
    Key(#[from] MasterKeyError),
}
