//! Users who were asked for lately: of an embedded store alone, where this process makes every change and tells of each before
//! whoever asked for it is answered. Nothing is decided on what stands here: a command loads what it decides on.

use std::sync::Arc;

use eventstore::{AggregateId, EventStore, ReadError, RowWitness};
use quick_cache::sync::Cache;
use user_domain::LiveUser;
use uuid::Uuid;

use crate::read_model;

/// About 600 bytes each.
#[derive(Debug)]
pub(super) struct CachedUsers(Cache<Uuid, Arc<LiveUser>>);

impl CachedUsers {
    /// As many of this store as may be kept; `None` if that is nobody, or the store cannot tell of changes.
    pub(super) fn of(store: &dyn EventStore, users_max: usize) -> Option<Arc<Self>> {
        let cached = Arc::new(Self(Cache::new(users_max)));
        let witness: Arc<dyn RowWitness> = Arc::<Self>::clone(&cached);
        (users_max > 0 && store.witnessed_by(witness)).then_some(cached)
    }

    /// The user of an id. Who is read while she changes is not kept: her place here was taken before she was read, and
    /// whoever tells of the change clears it.
    pub(super) async fn by_id(
        &self,
        store: &dyn EventStore,
        id: Uuid,
    ) -> Result<Option<Arc<LiveUser>>, ReadError> {
        let place = match self.0.get_value_or_guard_async(&id).await {
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
    fn changed(&self, stream: AggregateId) {
        self.0.remove(&stream.0);
    }

    fn any_changed(&self) {
        self.0.clear();
    }
}
