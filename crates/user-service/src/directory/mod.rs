//! The directory of users: the store, the vault and the command bus, put together. The surface talks to this alone.

mod history;
mod new_credential;
mod users;

use std::sync::Arc;

use cqrs::{CommandBus, CommandError, Execution, Outcome};
use eventstore::EventStore;
use user_domain::{PasswordPolicy, Refusal, User, Users};

pub(crate) use history::open;
pub use history::{HistoryError, decode};
pub use new_credential::NewCredential;
pub use users::UserAggregates;

use crate::Sources;
use crate::passwords::Passwords;
use crate::vault::{MasterKeys, VaultError, VaultRoot};

/// The directory. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Directory(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    store: Arc<dyn EventStore>,
    keys: Arc<MasterKeys>,
    root: Arc<VaultRoot>,
    passwords: Passwords,
    policy: PasswordPolicy,
    sources: Sources,
    bus: CommandBus<UserAggregates>,
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
    /// Randomness and time.
    pub sources: Sources,
}

impl Directory {
    /// Opens the directory of a store. Fails on the wrong master key, before anything is served.
    pub async fn open(store: Arc<dyn EventStore>, parts: Parts) -> Result<Self, VaultError> {
        let Parts { keys, passwords, policy, sources } = parts;
        let root = Arc::new(VaultRoot::open(&*store, &keys, &sources).await?);
        let keys = Arc::new(keys);
        let bus = CommandBus::new(
            Arc::clone(&store),
            UserAggregates {
                store: Arc::clone(&store),
                keys: Arc::clone(&keys),
                root: Arc::clone(&root),
                passwords: passwords.clone(),
                sources: sources.clone(),
            },
        );
        Ok(Self(Arc::new(Inner { store, keys, root, passwords, policy, sources, bus })))
    }

    /// Executes a command on one user.
    pub async fn execute(
        &self,
        execution: &Execution<Users, NewCredential>,
    ) -> Result<Outcome<User>, CommandError<Refusal>> {
        self.0.bus.execute(execution).await
    }

    /// The log and the tables beside it.
    #[must_use]
    pub fn store(&self) -> &dyn EventStore {
        &*self.0.store
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

    /// Randomness and time.
    #[must_use]
    pub fn sources(&self) -> &Sources {
        &self.0.sources
    }
}
