//! The directory of users: the store, the vault and the command buses, put together. The surface talks to this alone.

mod attachment;
mod cached_users;
mod history;
mod new_credential;
mod users;
mod tokens;
#[cfg(test)]
mod staged;

use std::sync::Arc;

use cqrs::projection::{Projections, RunnerSettings};
use cqrs::{CommandBus, CommandError, Execution, Fault, Outcome, Rehearsed};
use eventstore::{Clock, EventStore, NewRequest, ReadError};
use user_domain::{ApiToken, ApiTokenRefusal, ApiTokens, LiveUser, PasswordPolicy, Refusal, User, Users};
use uuid::Uuid;

pub use attachment::{Attachment, LookAlikes};
pub use history::{HistoryError, decode};
pub(crate) use history::{happened, open};
pub use new_credential::NewCredential;
#[cfg(test)]
pub(crate) use staged::directory_in;
pub use tokens::{TokenAggregates, VaultRow};
pub(crate) use tokens::{decode_token_event, is_of_token};
pub use users::UserAggregates;

use cached_users::CachedUsers;

use crate::Sources;
use crate::metrics::Metrics;
use crate::passwords::{HashingCost, Passwords};
use crate::projections::{self, DecodedUserEvent, UserDecoder, runner_settings};
use crate::read_model;
use crate::store::Access;
use crate::vault::{MasterKeys, SecretHash, VaultError, VaultRoot};

/// The directory. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Directory(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    store: Arc<dyn EventStore>,
    access: Access,
    keys: Arc<MasterKeys>,
    root: Arc<VaultRoot>,
    passwords: Passwords,
    policy: PasswordPolicy,
    sources: Sources,
    bus: CommandBus<UserAggregates>,
    tokens: CommandBus<TokenAggregates>,
    projections: Projections<DecodedUserEvent>,
    metrics: Metrics,
    cached: Option<Arc<CachedUsers>>,
}

/// What a directory is made of, besides its store.
#[derive(Debug)]
pub struct Parts {
    /// The master keys.
    pub keys: MasterKeys,
    /// The pool that hashes.
    pub passwords: Passwords,
    /// What a new password must be like.
    pub policy: PasswordPolicy,
    /// What becomes of names that look like another's.
    pub look_alikes: LookAlikes,
    /// Randomness and time.
    pub sources: Sources,
    /// How projections are run, where they are.
    pub runner: RunnerSettings,
    /// How many users are kept in memory for `user_by_id`, where the store is embedded.
    pub cached_users_max: usize,
}

impl Parts {
    /// For a command of an operator: it serves nobody, and hashes no password.
    pub(crate) fn of_an_operator(keys: MasterKeys) -> Self {
        let sources = Sources::system();
        let passwords = Passwords::new(HashingCost::FLOOR, sources.clone());
        Self {
            keys,
            passwords,
            policy: PasswordPolicy::default(),
            look_alikes: LookAlikes::default(),
            sources,
            runner: runner_settings(),
            cached_users_max: 0,
        }
    }
}

impl Directory {
    /// Opens the directory of a store, or makes it one. Fails on the wrong master key, before anything is served.
    pub async fn open(store: Arc<dyn EventStore>, parts: Parts) -> Result<Self, VaultError> {
        let root = VaultRoot::establish(&*store, &parts.keys, &parts.sources).await?;
        Ok(Self::of(store, Access::Owner, parts, root))
    }

    /// Opens the directory of a store that is one. Writes nothing.
    pub async fn open_existing(store: Arc<dyn EventStore>, parts: Parts) -> Result<Self, VaultError> {
        let root = VaultRoot::open(&*store, &parts.keys).await?;
        Ok(Self::of(store, Access::Owner, parts, root))
    }

    /// The same for a store that is open for reading, whose owner is somebody else: perhaps far away, and a moment ahead.
    pub async fn open_to_read(store: Arc<dyn EventStore>, parts: Parts) -> Result<Self, VaultError> {
        let root = VaultRoot::open(&*store, &parts.keys).await?;
        Ok(Self::of(store, Access::Reader, parts, root))
    }

    fn of(store: Arc<dyn EventStore>, access: Access, parts: Parts, root: VaultRoot) -> Self {
        let Parts { keys, passwords, policy, look_alikes, sources, runner, cached_users_max } = parts;
        let root = Arc::new(root);
        let keys = Arc::new(keys);
        let bus = CommandBus::new(
            Arc::clone(&store),
            UserAggregates::new(
                Arc::clone(&store),
                Arc::clone(&keys),
                Arc::clone(&root),
                passwords.clone(),
                sources.clone(),
            )
            .with_look_alikes(look_alikes),
        );
        let tokens = TokenAggregates::new(Arc::clone(&store), Arc::clone(&root), sources.clone());
        let tokens = CommandBus::new(Arc::clone(&store), tokens);
        let decoder = Arc::new(UserDecoder::new(Arc::clone(&store), Arc::clone(&keys)));
        let projections = Projections::new(Arc::clone(&store), decoder, projections::projectors(), runner);
        let metrics = Metrics::new(Clock::system().now());
        let cached = CachedUsers::of(&*store, cached_users_max);
        Self(Arc::new(Inner {
            store,
            access,
            keys,
            root,
            passwords,
            policy,
            sources,
            bus,
            tokens,
            projections,
            metrics,
            cached,
        }))
    }

    /// Executes a command on one user.
    pub async fn execute(
        &self,
        execution: &Execution<Users, Attachment>,
    ) -> Result<Outcome<User>, CommandError<Refusal>> {
        self.0.bus.execute(execution).await
    }

    /// Executes a command on one token.
    pub async fn execute_on_token(
        &self,
        execution: &Execution<ApiTokens, Option<SecretHash>>,
    ) -> Result<Outcome<ApiToken>, CommandError<ApiTokenRefusal>> {
        self.0.tokens.execute(execution).await
    }

    /// Executes a command on somebody whose id has just been made, without looking first at what the append looks at.
    pub async fn execute_new(
        &self,
        execution: &Execution<Users, Attachment>,
    ) -> Result<Outcome<User>, CommandError<Refusal>> {
        self.0.bus.execute_new(execution).await
    }

    /// What would come of a command now. Nothing is written, and nothing hashed.
    pub async fn rehearse(
        &self,
        execution: &Execution<Users, Attachment>,
    ) -> Result<Rehearsed, CommandError<Refusal>> {
        self.0.bus.rehearse(execution).await
    }

    /// Whether a request id has been used, so that its answer is there to be given again.
    pub async fn remembers(&self, request: Option<NewRequest>) -> Result<bool, Fault> {
        self.0.bus.remembers(request).await
    }

    /// The user of an id, as she is after every change that anybody has been told of.
    pub async fn user_by_id(&self, id: Uuid) -> Result<Option<Arc<LiveUser>>, ReadError> {
        match &self.0.cached {
            Some(cached) => cached.by_id(self.store(), id).await,
            None => Ok(read_model::by_id(self.store(), id).await?.map(Arc::new)),
        }
    }

    /// The log and the tables beside it.
    #[must_use]
    pub fn store(&self) -> &dyn EventStore {
        &*self.0.store
    }

    /// What this process does with it.
    #[must_use]
    pub fn access(&self) -> Access {
        self.0.access
    }

    /// What is derived from the log: to run it, to ask how it is, to wait for it.
    #[must_use]
    pub fn projections(&self) -> &Projections<DecodedUserEvent> {
        &self.0.projections
    }

    /// What reads the events of this directory's log.
    #[must_use]
    pub fn decoder(&self) -> UserDecoder {
        UserDecoder::new(Arc::clone(&self.0.store), Arc::clone(&self.0.keys))
    }

    /// The master keys.
    #[must_use]
    pub fn keys(&self) -> &MasterKeys {
        &self.0.keys
    }

    /// The root of all keyed hashes.
    #[must_use]
    pub fn root(&self) -> &VaultRoot {
        &self.0.root
    }

    /// The pool that hashes.
    #[must_use]
    pub fn passwords(&self) -> &Passwords {
        &self.0.passwords
    }

    /// What a new password must be like.
    #[must_use]
    pub fn policy(&self) -> PasswordPolicy {
        self.0.policy
    }

    /// All that is measured, as OpenMetrics text.
    pub async fn measurements(&self) -> String {
        self.0.metrics.text(self.store(), &self.0.projections).await
    }

    /// What is measured.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    /// Randomness and time.
    #[must_use]
    pub fn sources(&self) -> &Sources {
        &self.0.sources
    }
}
