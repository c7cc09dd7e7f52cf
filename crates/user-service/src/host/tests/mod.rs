//! The host over real sockets: what callers see when all is well, when a handler panics, when they
//! ask too much, and when the service stops. No user service is behind it, only a script.

mod rehearsal;
mod sockets;
mod frames;
mod calls;
mod kinds;
mod limits;
mod overload;
mod attacks;
mod unread;
mod tls;
mod shutdown;

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{Api, Drained, Host, HostLimits, Readiness, ReadinessCheck};
use crate::metrics::Bounds;
use crate::tls::ServerTls;
use rehearsal::Rehearsal;

/// A host that serves in the background.
struct Running {
    api: SocketAddr,
    operations: SocketAddr,
    service: Arc<Rehearsal>,
    bounds: Bounds,
    stop: CancellationToken,
    ended: JoinHandle<Drained>,
}

async fn start(limits: HostLimits) -> Running {
    start_with(limits, Readiness::Ready).await
}

async fn start_with(limits: HostLimits, readiness: Readiness) -> Running {
    start_behind(None, limits, readiness).await
}

async fn start_behind(tls: Option<ServerTls>, limits: HostLimits, readiness: Readiness) -> Running {
    start_routes(tls, limits, readiness, |api| api).await
}

/// With something between admission and the calls.
async fn start_routes(
    tls: Option<ServerTls>,
    limits: HostLimits,
    readiness: Readiness,
    between: impl FnOnce(Api) -> Api,
) -> Running {
    let (api, operations) = (listener().await, listener().await);
    let bounds = Bounds::default();
    let (service, stop) = (Arc::new(Rehearsal::default()), CancellationToken::new());
    let addresses = (api.local_addr().expect("bound"), operations.local_addr().expect("bound"));
    let routes = between(Api::new(Arc::clone(&service), &limits, &bounds));
    let host = Host { api, operations, tls, limits };
    let ended = tokio::spawn(host.serve(routes, Answering(readiness), stop.clone()));
    Running { api: addresses.0, operations: addresses.1, service, bounds, stop, ended }
}

impl Running {
    /// What was counted at the bounds so far: the value of a sample, 0 if there is none.
    fn counted(&self, sample: &str) -> u64 {
        let text = self.bounds.text();
        let found = text.lines().find_map(|line| line.strip_prefix(sample)?.trim().parse().ok());
        found.unwrap_or(0)
    }

    async fn drained(self) -> Drained {
        self.stop.cancel();
        self.ended.await.expect("the host does not panic")
    }
}

async fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.expect("a free port")
}

struct Answering(Readiness);

impl ReadinessCheck for Answering {
    async fn readiness(&self) -> Readiness {
        self.0.clone()
    }
}
