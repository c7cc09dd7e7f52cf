//! What can be asked about users: one file per question. Answers come from the store as it is now.

mod event_entry;
mod event_question;
mod find_user;
mod list_events;
mod list_user_events;
mod list_users;
mod page_token;
mod period;
mod verify_password;

pub use event_entry::{ListedEvent, UserEventEntry, listed};
pub use event_question::{EventQuestion, EventsPage, PageOf};
pub use find_user::{UserRef, find_user};
pub use list_events::list_events;
pub use list_user_events::list_user_events;
pub use list_users::{UserPage, list_users};
pub use page_token::{BadToken, PageToken};
pub use period::{Period, Span};
pub use verify_password::{verify_old_password, verify_password};

use eventstore::ReadError;
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
