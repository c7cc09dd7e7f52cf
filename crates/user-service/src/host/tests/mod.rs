//! The host over real sockets: what callers see when all is well, when a handler panics, when they
//! ask too much, and when the service stops. No user service is behind it, only a script.

mod rehearsal;
mod sockets;
mod calls;
mod limits;
mod shutdown;

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{Api, Drained, Host, HostLimits, Readiness, ReadinessCheck};
use rehearsal::Rehearsal;

/// A host that serves in the background.
struct Running {
    api: SocketAddr,
    operations: SocketAddr,
    service: Arc<Rehearsal>,
    stop: CancellationToken,
    ended: JoinHandle<Drained>,
}

async fn start(limits: HostLimits) -> Running {
    start_with(limits, Readiness::Ready).await
}

async fn start_with(limits: HostLimits, readiness: Readiness) -> Running {
    let (api, operations) = (listener().await, listener().await);
    let (service, stop) = (Arc::new(Rehearsal::default()), CancellationToken::new());
    let addresses = (api.local_addr().expect("bound"), operations.local_addr().expect("bound"));
    let routes = Api::new(Arc::clone(&service), &limits);
    let host = Host { api, operations, limits };
    let ended = tokio::spawn(host.serve(routes, Answering(readiness), stop.clone()));
    Running { api: addresses.0, operations: addresses.1, service, stop, ended }
}

impl Running {
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
