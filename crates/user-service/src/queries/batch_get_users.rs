//! Who are they? Many users by their ids at once.

use std::collections::{HashMap, HashSet};

use eventstore::Position;
use user_domain::LiveUser;
use uuid::Uuid;

use super::{Freshness, QueryError};
use crate::directory::Directory;
use crate::metrics::Query;
use crate::read_model;

/// What is known of the ids that were asked for.
#[derive(Clone, Debug)]
pub struct Batch {
    /// In the order of their ids, each once.
    pub users: Vec<LiveUser>,
    /// Ids of nobody, or of somebody who has been erased; likewise.
    pub missing: Vec<Uuid>,
    /// Everything up to here is shown. What is newer may be, of some and not of others.
    pub position: Position,
}

/// The users of these ids, deleted ones included.
pub async fn batch_get_users(
    directory: &Directory,
    ids: &[Uuid],
    freshness: Freshness,
) -> Result<Batch, QueryError> {
    let _timed = directory.metrics().queries().time(Query::BatchGetUsers);
    let position = freshness.of_the_log(directory).await?;
    let mut seen = HashSet::new();
    let ids: Vec<Uuid> = ids.iter().copied().filter(|id| seen.insert(*id)).collect();
    let found = read_model::by_ids(directory.store(), &ids).await?;
    let mut found: HashMap<Uuid, LiveUser> = found.into_iter().map(|user| (user.id.0, user)).collect();
    let mut batch = Batch { users: Vec::with_capacity(found.len()), missing: Vec::new(), position };
    for id in ids {
        match found.remove(&id) {
            Some(user) => {
                directory.metrics().most_asked().about(id);
                batch.users.push(user);
            }
            None => batch.missing.push(id),
        }
    }
    Ok(batch)
}
