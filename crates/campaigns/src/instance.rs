//! An instance of the service in this process: put together from the library as `serve` does it, on a store that a
//! control may have tampered with.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use cqrs::projection::RunnerSettings;
use eventstore::EventStore;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use user_domain::PasswordPolicy;
use user_service::Sources;
use user_service::directory::{Directory, LookAlikes, Parts};
use user_service::feed::{FeedLimits, Feeds};
use user_service::grpc::UserApi;
use user_service::host::{Api, Host, HostLimits, Readiness, ReadinessCheck};
use user_service::passwords::{HashingCost, Passwords};
use user_service::projections::runner_settings;
use user_service::vault::MasterKeys;

use crate::service::LEASE;

/// The master key of every campaign's store: it protects nobody.
pub(crate) const MASTER_KEY: &str = "ca3ba16ca3ba16ca3ba16ca3ba16ca3ba16ca3ba16ca3ba16ca3ba16ca3ba16c";

/// A directory on a store.
pub(crate) async fn directory(store: Arc<dyn EventStore>, sources: Sources) -> anyhow::Result<Directory> {
    let parts = Parts {
        keys: MasterKeys::parse(MASTER_KEY, &[])?,
        passwords: Passwords::new(HashingCost::FLOOR, sources.clone()),
        // A campaign is one caller, and is wrong on purpose.
        policy: PasswordPolicy::default().with_caller_failures_max(0),
        look_alikes: LookAlikes::default(),
        sources,
        runner: RunnerSettings { lease_ttl: LEASE, ..runner_settings() },
        cached_users_max: 100,
    };
    Ok(Directory::open(store, parts).await?)
}

/// A directory that is served on loopback.
#[derive(Debug)]
pub(crate) struct Served {
    pub(crate) address: SocketAddr,
    pub(crate) feeds: Feeds,
    stop: CancellationToken,
    serving: JoinHandle<()>,
}

impl Served {
    pub(crate) async fn start(directory: Directory) -> anyhow::Result<Self> {
        Self::start_with(directory, FeedLimits::default()).await
    }

    pub(crate) async fn start_with(directory: Directory, limits: FeedLimits) -> anyhow::Result<Self> {
        let free = (Ipv4Addr::LOCALHOST, 0);
        let (api, operations) = (TcpListener::bind(free).await?, TcpListener::bind(free).await?);
        let (address, stop) = (api.local_addr()?, CancellationToken::new());
        let host = Host { api, operations, tls: None, limits: HostLimits::default() };
        let feeds = Feeds::new(directory.clone(), limits);
        let bounds = directory.metrics().bounds().clone();
        let users = UserApi::new(directory, feeds.clone());
        let routes = users.beside_the_calls();
        let api = Api::new(Arc::new(users), &host.limits, &bounds).beside(routes);
        let (stopped, told) = (stop.clone(), feeds.clone());
        let serving = tokio::spawn(async move {
            tokio::join!(host.serve(api, AlwaysReady, stopped.clone()), told.run(stopped));
        });
        Ok(Self { address, feeds, stop, serving })
    }

    /// Returns when no request runs any more.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        self.stop.cancel();
        Ok(self.serving.await?)
    }
}

/// Nobody asks.
struct AlwaysReady;

impl ReadinessCheck for AlwaysReady {
    async fn readiness(&self) -> Readiness {
        Readiness::Ready
    }
}
