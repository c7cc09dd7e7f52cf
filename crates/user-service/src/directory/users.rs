//! How users are loaded and written: the inline row is the state, events are sealed, secrets go to the vault.

use std::sync::Arc;

use async_trait::async_trait;
use cqrs::{Aggregates, Change, Claim, Decider, Fault, Recorded, Written};
use eventstore::{
    AggregateId, ClaimKey, Derived, EventId, EventStore, NewEvent, RecordedEvent, RowChange, RowWrite,
    Version,
};
use user_domain::{LiveUser, Refusal, User, UserEvent, Username, Users};

use super::{Attachment, LookAlikes, NewCredential, decode};
use crate::Sources;
use crate::passwords::Passwords;
use crate::read_model::{self, USER_READ_MODEL};
use crate::vault::{self, Contents, MasterKeys, Origin, Place, UserKey, VaultRoot, Wrapped};

/// How many events of one user are read at once.
const HISTORY_PAGE: u32 = 500;

/// What the command bus needs to know about users.
#[derive(Debug)]
pub struct UserAggregates {
    store: Arc<dyn EventStore>,
    keys: Arc<MasterKeys>,
    root: Arc<VaultRoot>,
    passwords: Passwords,
    sources: Sources,
    look_alikes: LookAlikes,
}

#[async_trait]
impl Aggregates<Users> for UserAggregates {
    /// The wrapped key of a user who lives.
    type Context = Option<Wrapped>;
    type Attachment = Attachment;

    async fn load(&self, id: AggregateId) -> Result<(User, Option<Wrapped>), Fault> {
        match read_model::load(&*self.store, id).await? {
            Some(loaded) => Ok((User::Live(Box::new(loaded.user)), Some(loaded.key))),
            None => Ok((self.load_without_row(id).await?, None)),
        }
    }

    async fn load_at(&self, id: AggregateId, version: Version) -> Result<Option<User>, Fault> {
        let Some(wrapped) = vault::key(&*self.store, id).await? else {
            let erased = self.load_without_row(id).await?;
            return Ok((Users::version(&erased) == version).then_some(erased));
        };
        let key = UserKey::unwrap(&self.keys, id, &wrapped).map_err(broken)?;
        self.fold(id, version, &key).await.map(Some)
    }

    fn claim_key(&self, claim: &Claim) -> ClaimKey {
        self.root.claim_key(claim)
    }

    fn dispensable(&self, attachment: &Attachment) -> &'static [&'static str] {
        match (self.look_alikes, attachment.look_alikes) {
            (LookAlikes::Refuse, LookAlikes::Refuse) => &[],
            (LookAlikes::Accept, _) | (_, LookAlikes::Accept) => &[Username::LOOK_ALIKE_SCOPE],
        }
    }

    fn claim_taken(&self, scope: &'static str) -> Refusal {
        Refusal::of_taken_claim(scope).expect("users claim nothing but what they know to be claimed")
    }

    async fn write(
        &self,
        change: &Change<'_, Users>,
        context: &Option<Wrapped>,
        attachment: &Attachment,
    ) -> Result<Written, Fault> {
        let (key, new_key) = if let Some(wrapped) = context {
            (UserKey::unwrap(&self.keys, change.id, wrapped).map_err(broken)?, None)
        } else {
            let key = UserKey::generate(&self.sources);
            let wrapped = key.wrap(&self.keys, &self.sources, change.id);
            (key, Some(wrapped))
        };
        let sealed = |event| self.sealed(event, &key, change, attachment.origin.as_ref());
        let events = change.events.iter().map(sealed).collect::<Result<_, _>>()?;
        let rows = self.rows(change, new_key, &attachment.credential).await?;
        let derived = match change.after {
            User::Erased(_) => Derived::Erased,
            User::Absent | User::Live(_) => Derived::Kept,
        };
        Ok(Written { events, rows, derived })
    }
}

impl UserAggregates {
    /// What a bus needs, or whoever turns changes into appends without one: in bulk, on users whom she knows.
    #[must_use]
    pub fn new(
        store: Arc<dyn EventStore>,
        keys: Arc<MasterKeys>,
        root: Arc<VaultRoot>,
        passwords: Passwords,
        sources: Sources,
    ) -> Self {
        Self { store, keys, root, passwords, sources, look_alikes: LookAlikes::Refuse }
    }

    /// What becomes of names that look like another's, whatever comes with a command.
    #[must_use]
    pub(super) fn with_look_alikes(self, look_alikes: LookAlikes) -> Self {
        Self { look_alikes, ..self }
    }

    /// A user without a row was never created, or has been erased.
    async fn load_without_row(&self, id: AggregateId) -> Result<User, Fault> {
        // What stands under the id of a token is nobody.
        let last =
            self.store.stream_head(id).await?.filter(|last| last.aggregate_type == Users::AGGREGATE_TYPE);
        let Some(last) = last else { return Ok(User::Absent) };
        let first = self.store.stream(id, Version::NONE, 1).await?;
        let ends: Vec<RecordedEvent> =
            first.into_iter().filter(|first| first.version < last.version).collect();
        let user = ends.iter().chain([&last]).try_fold(User::Absent, |user, event| {
            decode(event, None).map(|recorded| Users::evolve(user, &recorded))
        });
        match user.map_err(broken)? {
            User::Erased(erased) if is_erasure(&last) => Ok(User::Erased(erased)),
            User::Absent | User::Live(_) | User::Erased(_) => {
                Err(broken(format!("user {id} has events and no row: run doctor")))
            }
        }
    }

    async fn fold(&self, id: AggregateId, version: Version, key: &UserKey) -> Result<User, Fault> {
        let mut user = User::Absent;
        while Users::version(&user) < version {
            let page = self.store.stream(id, Users::version(&user), HISTORY_PAGE).await?;
            if page.is_empty() {
                return Err(broken(format!("user {id} has never been at version {version}")));
            }
            for event in page.iter().filter(|event| event.version <= version) {
                user = Users::evolve(user, &decode(event, Some(key)).map_err(broken)?);
            }
        }
        Ok(user)
    }

    fn sealed(
        &self,
        recorded: &Recorded<UserEvent>,
        key: &UserKey,
        change: &Change<'_, Users>,
        origin: Option<&Origin>,
    ) -> Result<NewEvent, Fault> {
        let event = &recorded.event;
        let (event_type, schema_version) = (event.event_type(), event.schema_version());
        let place = Place { id: change.id, version: recorded.version, event_type, schema_version };
        let encoded = event.encode();
        // The key goes with the erasure: what is sealed with it then could never be read.
        let origin = origin.filter(|_| !matches!(change.after, User::Erased(_)));
        let Change { claims, forgone, .. } = *change;
        let contents = Contents { personal: encoded.personal.as_deref(), claims, forgone, origin };
        let sealed = (contents.personal.is_some() || contents.origin.is_some())
            .then(|| key.seal(&self.sources, place, contents))
            .transpose()
            .map_err(broken)?;
        let event_id = EventId(self.sources.uuid());
        Ok(NewEvent { event_id, event_type, schema_version, data: encoded.data, sealed })
    }

    async fn rows(
        &self,
        change: &Change<'_, Users>,
        new_key: Option<Wrapped>,
        credential: &NewCredential,
    ) -> Result<Vec<RowWrite>, Fault> {
        let User::Live(after) = change.after else {
            return Ok(vec![row(RowChange::Delete), vault::delete()]);
        };
        let version = after.credential.version;
        match (new_key, credential_version(change.before)) {
            (Some(key), _) => {
                let hash = credential.hash(&self.passwords).await.map_err(|_| Fault::Overloaded)?;
                let hash = hash.ok_or_else(|| broken("a user is created without a password"))?;
                let user = row(RowChange::Insert(read_model::full_row(after)));
                Ok(vec![user, vault::insert(change.id, key, version, hash)])
            }
            (None, Some(before)) if before != version => {
                let hash = credential.hash(&self.passwords).await.map_err(|_| Fault::Overloaded)?;
                let hash = hash.ok_or_else(|| broken("a password changes without another"))?;
                Ok(vec![updated(after), vault::update(change.id, version, hash)])
            }
            (None, _) => Ok(vec![updated(after)]),
        }
    }
}

fn credential_version(user: &User) -> Option<u32> {
    match user {
        User::Live(user) => Some(user.credential.version),
        User::Absent | User::Erased(_) => None,
    }
}

fn row(change: RowChange) -> RowWrite {
    RowWrite { table: &USER_READ_MODEL, change }
}

fn updated(user: &LiveUser) -> RowWrite {
    row(RowChange::Update(read_model::updated_row(user)))
}

fn is_erasure(event: &RecordedEvent) -> bool {
    event.event_type == "user.erased"
}

fn broken(cause: impl Into<eventstore::BoxError>) -> Fault {
    Fault::Broken(cause.into())
}
