//! Who is there? Newest first or in another order, by keyset: a page deep down costs what the first one costs.

use std::sync::Arc;

use eventstore::Position;
use user_domain::{Email, LiveUser, SearchText, Status, Username};
use uuid::Uuid;

use super::search_users::search_users;
use super::{BadToken, Freshness, PageToken, QueryError, UserRef, find_user};
use crate::directory::Directory;
use crate::metrics::Query;
use crate::read_model::{self, CreatedBetween, UserOrder};

/// Which users, and in which order.
#[derive(Clone, Debug)]
pub struct ListQuestion {
    /// With one of these.
    pub statuses: Vec<Status>,
    /// With this in what they are called; any if `None`.
    pub search: Option<SearchText>,
    /// With this address, in any spelling that means the same; any if `None`.
    pub email: Option<Email>,
    /// With this username, likewise.
    pub username: Option<Username>,
    /// Created then.
    pub created: CreatedBetween,
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

impl ListQuestion {
    /// Everybody with one of these.
    #[must_use]
    pub fn of(statuses: &[Status], order: UserOrder) -> Self {
        let (search, email, username, created) = (None, None, None, CreatedBetween::default());
        Self { statuses: statuses.to_vec(), search, email, username, created, order }
    }

    /// Whether a user belongs on the list.
    pub(super) fn holds(&self, user: &LiveUser) -> bool {
        self.statuses.contains(&user.status())
            && self.created.holds(user.created_at)
            && self.email.as_ref().is_none_or(|email| email.compare_key() == user.email.compare_key())
            && self.username.as_ref().is_none_or(|name| name.compare_key() == user.username.compare_key())
            && self.search.as_ref().is_none_or(|search| user.searched().contains(search.folded()))
    }

    /// Whether it asks for nothing but statuses.
    pub(super) fn is_by_status(&self) -> bool {
        self.one().is_none() && self.search.is_none() && !self.created.is_bounded()
    }

    /// The one user whom it can be about.
    pub(super) fn one(&self) -> Option<UserRef> {
        let email = self.email.clone().map(UserRef::Email);
        email.or_else(|| self.username.clone().map(UserRef::Username))
    }
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
    if let Some(one) = question.one() {
        return one_user(directory, question, &one, token, freshness).await;
    }
    if question.is_by_status() && question.order == UserOrder::NEWEST_FIRST {
        newest_users(directory, &question.statuses, size, token, freshness).await
    } else {
        search_users(directory, question, size, token, freshness).await
    }
}

/// Who has an address or a name is one user at most: there is no second page.
async fn one_user(
    directory: &Directory,
    question: &ListQuestion,
    one: &UserRef,
    token: &str,
    freshness: Freshness,
) -> Result<UserPage, QueryError> {
    if !token.is_empty() {
        return Err(BadToken.into());
    }
    let position = freshness.of_the_log(directory).await?;
    let found = find_user(directory, one).await?;
    let users = found.into_iter().filter(|user| question.holds(user)).map(Arc::unwrap_or_clone).collect();
    Ok(UserPage { users, next: None, position, parked_users: 0 })
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
