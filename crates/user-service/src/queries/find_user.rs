//! Who is she? By id, by e-mail or by username; the last two through the claim that she alone owns.

use std::sync::Arc;

use cqrs::Claim;
use eventstore::ReadError;
use user_domain::{Email, LiveUser, Username};
use uuid::Uuid;

use crate::directory::Directory;
use crate::metrics::Query;
use crate::read_model;

/// One way to name a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserRef {
    /// By her id.
    Id(Uuid),
    /// By her e-mail address, in any spelling that means the same.
    Email(Email),
    /// By her username, likewise.
    Username(Username),
}

/// The user, deleted or not; `None` when there is none or she has been erased.
pub async fn find_user(directory: &Directory, user: &UserRef) -> Result<Option<Arc<LiveUser>>, ReadError> {
    let _timed = directory.metrics().queries().time(Query::FindUser);
    let found = match user {
        UserRef::Id(id) => directory.user_by_id(*id).await?,
        UserRef::Email(email) => by_claim(directory, email.claim()).await?,
        UserRef::Username(name) => by_claim(directory, name.claim()).await?,
    };
    if let Some(found) = &found {
        directory.metrics().most_asked().about(found.id.0);
    }
    Ok(found)
}

async fn by_claim(directory: &Directory, claim: Claim) -> Result<Option<Arc<LiveUser>>, ReadError> {
    let key = directory.root().claim_key(&claim);
    Ok(read_model::by_claim(directory.store(), key).await?.map(Arc::new))
}
