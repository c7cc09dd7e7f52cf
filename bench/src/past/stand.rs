//! A directory to measure on: a store that this process opens, with keys that anybody may know.

use std::sync::Arc;
use std::time::{Duration, Instant};

use eventstore::{Deadline, EventStore, Position};
use tokio_util::sync::CancellationToken;
use user_domain::PasswordPolicy;
use user_service::Sources;
use user_service::directory::{Directory, LookAlikes, Parts, UserAggregates};
use user_service::passwords::{HashingCost, Passwords};
use user_service::projections::{LAYOUTS, runner_settings};
use user_service::store::{StoreOptions, StoreUrl};
use user_service::vault::{MasterKeys, VaultRoot};

/// Nothing here is anybody's.
pub(crate) const MASTER_KEY: &str = "0707070707070707070707070707070707070707070707070707070707070707";

/// A million users are taken in from the beginning.
const BUILT_WITHIN: Duration = Duration::from_mins(30);

/// A store that is open.
#[derive(Debug)]
pub(crate) struct Stand {
    pub(crate) store: Arc<dyn EventStore>,
    sources: Sources,
}

impl Stand {
    /// Opens a store; makes it if there is none.
    pub(crate) async fn open(url: &str) -> anyhow::Result<Self> {
        let options = StoreOptions::at(url.parse::<StoreUrl>()?);
        options.migrate().await?;
        Ok(Self { store: options.open().await?, sources: Sources::system() })
    }

    fn keys() -> anyhow::Result<MasterKeys> {
        Ok(MasterKeys::parse(MASTER_KEY, &[])?)
    }

    fn passwords(&self) -> Passwords {
        Passwords::new(HashingCost::FLOOR, self.sources.clone())
    }

    pub(crate) async fn root(&self) -> anyhow::Result<VaultRoot> {
        Ok(VaultRoot::establish(&*self.store, &Self::keys()?, &self.sources).await?)
    }

    pub(crate) async fn aggregates(&self) -> anyhow::Result<UserAggregates> {
        let root = Arc::new(self.root().await?);
        let (store, keys) = (Arc::clone(&self.store), Arc::new(Self::keys()?));
        Ok(UserAggregates::new(store, keys, root, self.passwords(), self.sources.clone()))
    }

    pub(crate) async fn directory(&self) -> anyhow::Result<Directory> {
        let parts = Parts {
            keys: Self::keys()?,
            passwords: self.passwords(),
            policy: PasswordPolicy::at_least(8).expect("eight bytes are allowed"),
            look_alikes: LookAlikes::default(),
            sources: self.sources.clone(),
            runner: runner_settings(),
            cached_users_max: 0,
        };
        Ok(Directory::open(Arc::clone(&self.store), parts).await?)
    }
}

/// Projections that run beside something, until they are told to stop.
#[derive(Debug)]
pub(crate) struct Running {
    stop: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

impl Running {
    pub(crate) fn of(directory: &Directory) -> Self {
        let (stop, projections) = (CancellationToken::new(), directory.projections().clone());
        let token = stop.clone();
        let task = tokio::spawn(async move { projections.run(token).await });
        Self { stop, task }
    }

    /// The same, when each of them has come to a position.
    pub(super) async fn up_to(position: Position, directory: &Directory) -> anyhow::Result<Self> {
        let running = Self::of(directory);
        for layout in LAYOUTS {
            let patience = Deadline(Instant::now() + BUILT_WITHIN);
            directory.projections().reached(layout.name, position, patience).await?;
        }
        Ok(running)
    }

    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        self.stop.cancel();
        Ok(self.task.await?)
    }
}
