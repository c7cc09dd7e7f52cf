//! The directory as it was at one position, page by page: what a feed begins with if its listener has nothing yet.
//!
//! Of whoever existed then and has been erased since, nothing is told but that: so that every later event is about
//! somebody whom the copy knows.

use std::collections::VecDeque;

use eventstore::{AggregateId, Checkpoint, EventStore, ReadError};
use user_domain::{ErasedUser, User};
use uuid::Uuid;

use super::ring::Ring;
use crate::queries::{Ids, users_by_id};

/// How many users are read at once.
const PAGE: u32 = 200;

/// A copy on its way to one listener.
#[derive(Debug)]
pub(super) struct Snapshot {
    /// Everything up to here is in it, and nothing beyond.
    pub(super) at: Checkpoint,
    /// Who is still to be read.
    rest: Rest,
    users: VecDeque<User>,
    /// The last who was told.
    told: Uuid,
    /// As of which erasure they were read.
    erasures: u64,
}

#[derive(Debug)]
enum Rest {
    /// Everybody after an id.
    After(Uuid),
    /// These.
    Named(VecDeque<AggregateId>),
    Nobody,
}

impl Snapshot {
    /// A copy of everybody, or of those who are named.
    pub(super) fn new(at: Checkpoint, wanted: &[AggregateId]) -> Self {
        let named = || {
            let mut wanted: Vec<_> = wanted.to_vec();
            wanted.sort_unstable();
            wanted.dedup();
            Rest::Named(wanted.into())
        };
        let rest = if wanted.is_empty() { Rest::After(Uuid::nil()) } else { named() };
        Self { at, rest, users: VecDeque::new(), told: Uuid::nil(), erasures: 0 }
    }

    /// The next user who has been read. Whoever has been erased since she was is told as erased.
    pub(super) fn pop(&mut self, ring: &Ring) -> Option<User> {
        let Some(mut erased) = ring.erased_since(self.erasures) else {
            self.put_back();
            return None;
        };
        let user = self.users.pop_front()?;
        self.told = id_of(&user).unwrap_or(self.told);
        match user {
            User::Live(live) if erased.any(|id| id == live.id) => Some(User::Erased(ErasedUser {
                id: live.id,
                created_at: live.created_at,
                updated_at: live.updated_at,
                version: live.version,
                position: live.position,
            })),
            User::Absent | User::Live(_) | User::Erased(_) => Some(user),
        }
    }

    /// Nobody knows who of them has been erased since they were read: they are read again.
    fn put_back(&mut self) {
        match &mut self.rest {
            Rest::Named(ids) => {
                self.users.iter().filter_map(id_of).for_each(|id| ids.push_front(AggregateId(id)));
            }
            Rest::After(_) | Rest::Nobody if self.users.is_empty() => {}
            Rest::After(_) | Rest::Nobody => self.rest = Rest::After(self.told),
        }
        self.users.clear();
    }

    /// Reads on; `false` if there is nobody more. `erasures` were known before.
    pub(super) async fn read(&mut self, store: &dyn EventStore, erasures: u64) -> Result<bool, ReadError> {
        let ids = match &mut self.rest {
            Rest::After(id) => Ids::After(*id),
            Rest::Named(ids) => match ids.pop_front() {
                Some(id) => Ids::One(id.0),
                None => return Ok(false),
            },
            Rest::Nobody => return Ok(false),
        };
        self.users = users_by_id(store, ids, self.at.position, PAGE).await?.into();
        self.erasures = erasures;
        if let Rest::After(_) = self.rest {
            self.rest = self.users.back().and_then(id_of).map_or(Rest::Nobody, Rest::After);
        }
        Ok(true)
    }
}

fn id_of(user: &User) -> Option<Uuid> {
    match user {
        User::Absent => None,
        User::Live(user) => Some(user.id.0),
        User::Erased(user) => Some(user.id.0),
    }
}
