//! The directory as it was at one position, page by page: what a feed begins with if its listener has nothing yet.
//!
//! Of whoever existed then and has been erased since, nothing is told but that: so that every later event is about
//! somebody whom the copy knows.

use std::collections::VecDeque;

use eventstore::{AggregateId, Checkpoint, ColumnKind, EventStore, ReadError, Row, Select, Value, Version};
use user_domain::{CredentialAlgorithm, CredentialState, ErasedUser, User};
use uuid::Uuid;

use super::ring::Ring;
use crate::read_model::{corrupt, user_of};

/// How many users are read at once.
const PAGE: i64 = 200;

macro_rules! users_then {
    ($which:literal) => {
        concat!(
            "SELECT h.id, h.email, h.username, h.first_name, h.last_name, h.avatar_url, h.status, h.standing, \
             h.created_at, h.last_updated, h.deleted_at, h.version, h.from_position FROM user_history h WHERE ",
            $which,
            " AND h.from_position <= $2 AND h.to_position > $2 AND h.status <> 'erased' ORDER BY h.id LIMIT $3"
        )
    };
}

const COLUMNS: &[ColumnKind] = &[
    ColumnKind::Uuid,
    ColumnKind::Text,
    ColumnKind::Text,
    ColumnKind::Text,
    ColumnKind::Text,
    ColumnKind::Text,
    ColumnKind::Text,
    ColumnKind::SmallInt,
    ColumnKind::Time,
    ColumnKind::Time,
    ColumnKind::Time,
    ColumnKind::BigInt,
    ColumnKind::BigInt,
];

static ALL: Select = Select { sql: users_then!("h.id > $1"), columns: COLUMNS };

static ONE: Select = Select { sql: users_then!("h.id = $1"), columns: COLUMNS };

/// Every read of this file, for the test that prepares each on both engines.
pub static STATEMENTS: &[&Select] = &[&ALL, &ONE];

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
        let (select, id) = match &mut self.rest {
            Rest::After(id) => (&ALL, *id),
            Rest::Named(ids) => match ids.pop_front() {
                Some(id) => (&ONE, id.0),
                None => return Ok(false),
            },
            Rest::Nobody => return Ok(false),
        };
        let position = i64::try_from(self.at.position.0).unwrap_or(i64::MAX);
        let parameters = [Value::Uuid(id), Value::BigInt(position), Value::BigInt(PAGE)];
        let rows = store.select(select, &parameters).await?;
        self.users = rows.into_iter().map(user).collect::<Result<_, _>>()?;
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

/// A row without an address is what is left of somebody who has been erased.
fn user(row: Row) -> Result<User, ReadError> {
    if row.get(1) != Some(&Value::Null) {
        let credential = CredentialState::first(CredentialAlgorithm::Argon2id);
        return Ok(User::Live(Box::new(user_of(row, credential)?)));
    }
    let [
        Value::Uuid(id),
        ..,
        Value::Time(created_at),
        Value::Time(updated_at),
        _,
        Value::BigInt(version),
        Value::BigInt(position),
    ] = &row[..]
    else {
        return Err(corrupt());
    };
    let number = |number: i64| u64::try_from(number).map_err(|_| corrupt());
    Ok(User::Erased(ErasedUser {
        id: AggregateId(*id),
        created_at: *created_at,
        updated_at: *updated_at,
        version: Version(number(*version)?),
        position: eventstore::Position(number(*position)?),
    }))
}
