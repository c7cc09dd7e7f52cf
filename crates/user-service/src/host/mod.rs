//! The way in: two listeners, one accept loop, a bound on everything that a caller controls, and a
//! shutdown that ends. It knows TLS, HTTP and RPC but not what a user is, nor who may do what: it asks a
//! gatekeeper.

mod api;
mod operations;
mod accept;
mod places;
mod connection;
mod taken;
mod wire;
mod unread;
mod panics;
mod measured;
mod this_machine;
mod origins;
mod gatekeeper;
mod admission;
mod kind;
mod refusal;
mod reasons;
mod handshake;
mod limits;
#[cfg(test)]
mod tests;

use std::io;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub use accept::Drained;
pub use api::{Api, Health};
pub use connection::Peer;
pub use gatekeeper::Gatekeeper;
pub use handshake::CallerCertificate;
pub use limits::HostLimits;
pub use operations::{Readiness, ReadinessCheck};
pub use origins::WebOrigin;

use crate::metrics::Bounds;
use crate::tls::ServerTls;
use accept::Entrance;
use handshake::{Guests, Handshakes};

/// Where the service listens, and within which limits it serves.
#[derive(Debug)]
pub struct Host {
    /// For callers: gRPC, gRPC-Web, Connect and JSON.
    pub api: TcpListener,
    /// For whoever runs the service: `/healthz`, `/readyz` and `/metrics`.
    pub operations: TcpListener,
    /// What callers see and have to show. Whoever runs the service sees the same, unless she is on
    /// this machine, and shows nothing.
    pub tls: Option<ServerTls>,
    pub limits: HostLimits,
}

impl Host {
    /// Where callers and operators find it.
    pub fn urls(&self) -> io::Result<(String, String)> {
        let scheme = |encrypted: bool| if encrypted { "https" } else { "http" };
        let (api, operations) = (self.api.local_addr()?, self.operations.local_addr()?);
        let callers = scheme(self.tls.is_some());
        let operators = scheme(self.tls.is_some() && leaves_this_machine(&self.operations));
        Ok((format!("{callers}://{api}"), format!("{operators}://{operations}")))
    }

    /// Serves until `stop` is cancelled, then drains: health says `NOT_SERVING`, nothing new is
    /// accepted, every connection is told to go away, and what has not finished after
    /// `limits.drain_max` is cut. Operations stays up until then, not ready.
    ///
    /// When it returns, no handler runs any more, so the store may be closed.
    pub async fn serve(self, api: Api, readiness: impl ReadinessCheck, stop: CancellationToken) -> Drained {
        let api = Arc::new(api);
        let (go_away, drained) = (CancellationToken::new(), CancellationToken::new());
        let withdraw = async {
            stop.cancelled().await;
            api.health.withdraw();
            go_away.cancel();
        };
        let serve_api = async {
            let entrance = entrance(self.tls.as_ref(), Guests::Callers, &self.limits, &go_away);
            let door = accept::Door { listener: self.api, entrance, bounds: api.bounds.clone() };
            let result = accept::serve(door, Arc::clone(&api), &self.limits, &go_away).await;
            drained.cancel();
            result
        };
        let operations = operations::router(readiness, stop.clone());
        let tls = self.tls.as_ref().filter(|_| leaves_this_machine(&self.operations));
        // Whoever runs the service is bounded like callers, and not counted among them.
        let door = accept::Door {
            listener: self.operations,
            entrance: entrance(tls, Guests::Operators, &self.limits, &drained),
            bounds: Bounds::default(),
        };
        let serve_operations = accept::serve(door, operations, &self.limits, &drained);
        let ((), result, _) = tokio::join!(withdraw, serve_api, serve_operations);
        result
    }
}

fn entrance(
    tls: Option<&ServerTls>,
    guests: Guests,
    limits: &HostLimits,
    stop: &CancellationToken,
) -> Entrance {
    tls.map_or(Entrance::Open, |tls| {
        Entrance::Encrypted(Handshakes::new(tls.clone(), guests, limits, stop.clone()))
    })
}

fn leaves_this_machine(listener: &TcpListener) -> bool {
    listener.local_addr().is_ok_and(|address| !address.ip().is_loopback())
}
