//! The way in: two listeners, one accept loop, a bound on everything that a caller controls, and a
//! shutdown that ends. It knows HTTP and RPC but not what a user is; authentication and TLS go
//! around what it is given, not into it.

mod api;
mod operations;
mod accept;
mod places;
mod connection;
mod taken;
mod panics;
mod measured;
mod this_machine;
mod admission;
mod kind;
mod refusal;
mod reasons;
mod limits;
#[cfg(test)]
mod tests;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub use accept::Drained;
pub use api::{Api, Health};
pub use connection::Peer;
pub use limits::HostLimits;
pub use operations::{Readiness, ReadinessCheck};

use crate::metrics::Bounds;

/// Where the service listens, and within which limits it serves.
#[derive(Debug)]
pub struct Host {
    /// For callers: gRPC, gRPC-Web, Connect and JSON.
    pub api: TcpListener,
    /// For whoever runs the service: `/healthz`, `/readyz` and `/metrics`.
    pub operations: TcpListener,
    pub limits: HostLimits,
}

impl Host {
    /// Serves until `stop` is cancelled, then drains: health says `NOT_SERVING`, nothing new is
    /// accepted, every connection is told to go away, and what has not finished after
    /// `limits.drain_max` is cut. Operations stays up until then, not ready.
    ///
    /// When it returns, no handler runs any more, so the store may be closed.
    pub async fn serve(self, api: Api, readiness: impl ReadinessCheck, stop: CancellationToken) -> Drained {
        let (go_away, drained) = (CancellationToken::new(), CancellationToken::new());
        let withdraw = async {
            stop.cancelled().await;
            api.health.withdraw();
            go_away.cancel();
        };
        let serve_api = async {
            let result = accept::serve(self.api, api.router, &self.limits, &api.bounds, &go_away).await;
            drained.cancel();
            result
        };
        let operations = operations::router(readiness, stop.clone());
        // Whoever runs the service is bounded like callers, and not counted among them.
        let uncounted = Bounds::default();
        let serve_operations = accept::serve(self.operations, operations, &self.limits, &uncounted, &drained);
        let ((), result, _) = tokio::join!(withdraw, serve_api, serve_operations);
        result
    }
}
