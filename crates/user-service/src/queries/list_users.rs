//! Who is there? Newest first, by keyset: a page deep down costs what the first one costs.

use eventstore::Position;
use user_domain::{LiveUser, Status};
use uuid::Uuid;

use super::{PageToken, QueryError};
use crate::directory::Directory;
use crate::read_model;

/// A page of users.
#[derive(Clone, Debug)]
pub struct UserPage {
    /// Newest first.
    pub users: Vec<LiveUser>,
    /// For the next page; `None` when this is the last.
    pub next: Option<String>,
    /// Everything up to here is shown.
    pub position: Position,
}

/// Users with one of the statuses; at most `size`, which is more than 0.
pub async fn list_users(
    directory: &Directory,
    statuses: &[Status],
    size: u32,
    token: &str,
) -> Result<UserPage, QueryError> {
    let question: Vec<u8> = Status::ALL.iter().map(|status| u8::from(statuses.contains(status))).collect();
    let binding = PageToken { method: "ListUsers", question: &question };
    let after = binding.read(directory.root(), token)?.map(Uuid::from_bytes);
    let position = directory.store().head().await?.position;
    let mut users = read_model::page(directory.store(), statuses, after, size + 1).await?;
    let more = users.len() > size as usize;
    users.truncate(size as usize);
    let last = users.last().filter(|_| more);
    let next = last.map(|user| binding.issue(directory.root(), user.id.0.as_bytes()));
    Ok(UserPage { users, next, position })
}
