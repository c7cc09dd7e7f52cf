//! Who is there? Newest first or in another order, by keyset: a page deep down costs what the first one costs.

use eventstore::Position;
use user_domain::{LiveUser, SearchText, Status};
use uuid::Uuid;

use super::search_users::search_users;
use super::{Freshness, PageToken, QueryError};
use crate::directory::Directory;
use crate::metrics::Query;
use crate::read_model::{self, UserOrder};

/// Which users, and in which order.
#[derive(Clone, Debug)]
pub struct ListQuestion {
    /// With one of these.
    pub statuses: Vec<Status>,
    /// With this in what they are called; any if `None`.
    pub search: Option<SearchText>,
    /// In this order.
    pub order: UserOrder,
}

/// A page of users.
#[derive(Clone, Debug)]
pub struct UserPage {
    /// In the order that was asked for.
    pub users: Vec<LiveUser>,
    /// For the next page; `None` when this is the last.
    pub next: Option<String>,
    /// Everything up to here is shown.
    pub position: Position,
    /// But for these users, of whom the view could not take everything.
    pub parked_users: u64,
}

/// At most `size` users, which is more than 0. What the read model's own rows can answer they answer: then the page is
/// as new as the log.
pub async fn list_users(
    directory: &Directory,
    question: &ListQuestion,
    size: u32,
    token: &str,
    freshness: Freshness,
) -> Result<UserPage, QueryError> {
    if question.search.is_none() && question.order == UserOrder::NEWEST_FIRST {
        newest_users(directory, &question.statuses, size, token, freshness).await
    } else {
        search_users(directory, question, size, token, freshness).await
    }
}

async fn newest_users(
    directory: &Directory,
    statuses: &[Status],
    size: u32,
    token: &str,
    freshness: Freshness,
) -> Result<UserPage, QueryError> {
    let _timed = directory.metrics().queries().time(Query::ListUsers);
    let question: Vec<u8> = Status::ALL.iter().map(|status| u8::from(statuses.contains(status))).collect();
    let binding = PageToken { method: "ListUsers", question: &question };
    let after = binding.read(directory.root(), token)?.map(Uuid::from_bytes);
    let position = freshness.of_the_log(directory).await?;
    let mut users = read_model::page(directory.store(), statuses, after, size + 1).await?;
    let more = users.len() > size as usize;
    users.truncate(size as usize);
    let last = users.last().filter(|_| more);
    let next = last.map(|user| binding.issue(directory.root(), user.id.0.as_bytes()));
    Ok(UserPage { users, next, position, parked_users: 0 })
}
