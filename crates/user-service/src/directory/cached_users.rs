//! Users who were asked for lately: of an embedded store alone, where this process makes every change and tells of each before
//! whoever asked for it is answered. Nothing is decided on what stands here: a command loads what it decides on.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use eventstore::{AggregateId, EventStore, ReadError, RowWitness};
use quick_cache::sync::Cache;
use user_domain::LiveUser;
use uuid::Uuid;

use crate::read_model;

#[derive(Debug)]
pub(super) struct CachedUsers {
    /// About 600 bytes each.
    users: Cache<Uuid, Arc<LiveUser>>,
    changing: Changing,
}

/// Who is between the old state and the new one: others may have read the new one from the store, so the store answers.
#[derive(Debug, Default)]
struct Changing {
    /// How many, so that a reader need not wait for the lock while it is nobody.
    count: AtomicUsize,
    streams: Mutex<HashSet<Uuid>>,
    anybody: AtomicBool,
}

impl Changing {
    fn has(&self, id: Uuid) -> bool {
        self.anybody.load(Ordering::SeqCst)
            || self.count.load(Ordering::SeqCst) > 0 && self.streams().contains(&id)
    }

    fn change(&self, change: impl FnOnce(&mut HashSet<Uuid>)) {
        let mut streams = self.streams();
        change(&mut streams);
        self.count.store(streams.len(), Ordering::SeqCst);
    }

    fn streams(&self) -> MutexGuard<'_, HashSet<Uuid>> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl CachedUsers {
    /// As many of this store as may be kept; `None` if that is nobody, or the store cannot tell of changes.
    pub(super) fn of(store: &dyn EventStore, users_max: usize) -> Option<Arc<Self>> {
        let cached = Arc::new(Self { users: Cache::new(users_max), changing: Changing::default() });
        let witness: Arc<dyn RowWitness> = Arc::<Self>::clone(&cached);
        (users_max > 0 && store.witnessed_by(witness)).then_some(cached)
    }

    /// The user of an id. Who changes while she is read is not kept: her place here was taken before she was read, and
    /// whoever tells of the change clears it.
    pub(super) async fn by_id(
        &self,
        store: &dyn EventStore,
        id: Uuid,
    ) -> Result<Option<Arc<LiveUser>>, ReadError> {
        if self.changing.has(id) {
            return Ok(read_model::by_id(store, id).await?.map(Arc::new));
        }
        let place = match self.users.get_value_or_guard_async(&id).await {
            Ok(user) => return Ok(Some(user)),
            Err(place) => place,
        };
        let user = read_model::by_id(store, id).await?.map(Arc::new);
        if let Some(user) = &user {
            // She has changed meanwhile: the next who asks reads her again.
            let _ = place.insert(Arc::clone(user));
        }
        Ok(user)
    }
}

impl RowWitness for CachedUsers {
    fn changing(&self, streams: &mut dyn Iterator<Item = AggregateId>) {
        self.changing.change(|changing| changing.extend(streams.map(|stream| stream.0)));
    }

    fn changed(&self, streams: &mut dyn Iterator<Item = AggregateId>) {
        self.changing.change(|changing| {
            for AggregateId(id) in streams {
                self.users.remove(&id);
                changing.remove(&id);
            }
        });
    }

    fn any_changing(&self) {
        self.changing.anybody.store(true, Ordering::SeqCst);
    }

    fn any_changed(&self) {
        self.users.clear();
        self.changing.change(HashSet::clear);
        self.changing.anybody.store(false, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use eventstore::{Position, Version};
    use jiff::Timestamp;
    use user_domain::{CredentialAlgorithm, CredentialState, Email, Standing, Username};

    use super::*;
    use crate::directory::directory_in;

    fn somebody(n: u128) -> LiveUser {
        LiveUser {
            id: AggregateId(Uuid::from_u128(n)),
            email: Email::parse("alice@example.org").expect("it is one"),
            username: Username::parse("alice").expect("it is one"),
            first_name: None,
            last_name: None,
            avatar_url: None,
            standing: Standing { inactive: false, suspended: false, deleted: false },
            credential: CredentialState::first(CredentialAlgorithm::Argon2id),
            created_at: Timestamp::UNIX_EPOCH,
            updated_at: Timestamp::UNIX_EPOCH,
            deleted_at: None,
            version: Version(1),
            position: Position(1),
        }
    }

    /// What stands in memory of somebody who is not in the store: found as long as memory is asked.
    async fn is_asked(cached: &CachedUsers, store: &dyn EventStore, user: &Arc<LiveUser>) -> bool {
        cached.users.insert(user.id.0, Arc::clone(user));
        cached.by_id(store, user.id.0).await.expect("it can be read").is_some()
    }

    #[tokio::test]
    async fn who_is_changing_is_read_from_the_store_until_she_has_changed() {
        let folder = tempfile::tempdir().expect("there is room");
        let directory = directory_in(folder.path()).await;
        let (store, user) = (directory.store(), Arc::new(somebody(1)));
        let (her, other) = (user.id, Arc::new(somebody(2)));
        let cached = CachedUsers { users: Cache::new(10), changing: Changing::default() };
        assert!(is_asked(&cached, store, &user).await);
        cached.changing(&mut [her].into_iter());
        assert!(!is_asked(&cached, store, &user).await, "others may have read the new state already");
        assert!(is_asked(&cached, store, &other).await, "this concerns nobody else");
        cached.changed(&mut [her].into_iter());
        assert!(cached.users.get(&her.0).is_none(), "what was kept is forgotten");
        assert!(is_asked(&cached, store, &user).await);
        cached.any_changing();
        assert!(!is_asked(&cached, store, &other).await);
        cached.any_changed();
        assert!(cached.users.is_empty());
        assert!(is_asked(&cached, store, &other).await);
    }

    #[tokio::test]
    async fn what_was_read_before_a_change_is_not_kept_after_it() {
        let user = Arc::new(somebody(1));
        for all in [false, true] {
            let cached = CachedUsers { users: Cache::new(10), changing: Changing::default() };
            let Err(place) = cached.users.get_value_or_guard_async(&user.id.0).await else {
                panic!("nobody is there")
            };
            if all {
                cached.any_changed();
            } else {
                cached.changed(&mut [user.id].into_iter());
            }
            assert!(place.insert(Arc::clone(&user)).is_err());
            assert!(cached.users.is_empty());
        }
    }
}
