//! Whose was this then? An address or a name at a moment, by the claims that the events of its owners took.

use cqrs::Claim;
use eventstore::{Deadline, Position};
use user_domain::{Email, Username};

use super::projected::history_shows;
use super::{Past, QueryError, states};
use crate::directory::Directory;
use crate::metrics::Query;

/// What one user alone owns at a time.
#[derive(Clone, Copy, Debug)]
pub enum Owned<'a> {
    /// An e-mail address, in any spelling that means the same.
    Email(&'a Email),
    /// A username, likewise.
    Username(&'a Username),
}

impl Owned<'_> {
    fn claim(self) -> Claim {
        match self {
            Self::Email(email) => email.claim(),
            Self::Username(username) => username.claim(),
        }
    }
}

/// Who owned something.
#[derive(Clone, Debug)]
pub struct Owner {
    /// Her as she was; `None` if nobody did.
    pub past: Option<Past>,
    /// Users of whom the history could not take everything: it may have been one of them.
    pub parked_users: u64,
}

/// Who owned something at a position, deleted or not. Of what somebody owned who has been erased since, nobody can tell.
pub async fn owner_at(
    directory: &Directory,
    owned: Owned<'_>,
    at: Position,
    deadline: Deadline,
) -> Result<Owner, QueryError> {
    let _timed = directory.metrics().queries().time(Query::OwnerAt);
    let view = history_shows(directory, at, deadline).await?;
    let key = directory.root().claim_key(&owned.claim());
    let past = states::owner(directory.store(), owned, key, at).await?;
    Ok(Owner { past, parked_users: view.parked_users })
}
