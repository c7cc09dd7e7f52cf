//! The TLS handshake of a connection, before it takes one of the places of those that are served: bounded in time and in
//! number, so that who begins many and ends none is in nobody's way but of those who begin.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;

use super::limits::HostLimits;
use super::places::{Full, Place, Places};
use crate::tls::{ServerTls, subject};

/// Whose certificate a caller has shown, where one is asked for: an extension of every request, beside `Peer`. It was
/// verified: somebody whom the service knows has signed for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallerCertificate(pub Arc<str>);

/// Who comes through a door.
#[derive(Clone, Copy, Debug)]
pub(super) enum Guests {
    Callers,
    Operators,
}

/// The handshakes of one listener.
#[derive(Clone)]
pub(super) struct Handshakes {
    tls: ServerTls,
    guests: Guests,
    places: Places,
    time: Duration,
    stop: CancellationToken,
}

impl Handshakes {
    pub(super) fn new(tls: ServerTls, guests: Guests, limits: &HostLimits, stop: CancellationToken) -> Self {
        let places = Places::new(limits.handshakes_max, limits.handshakes_per_address_max);
        Self { tls, guests, places, time: limits.handshake_timeout, stop }
    }

    /// A place for one that is to begin, if there is one.
    pub(super) fn place(&self, address: IpAddr) -> Result<Place, Full> {
        self.places.take(address)
    }

    /// What comes of it: nothing if it takes too long, is none, or is with somebody who is not let in.
    pub(super) async fn shake(
        &self,
        stream: TcpStream,
    ) -> Option<(TlsStream<TcpStream>, Option<CallerCertificate>)> {
        let accepting = TlsAcceptor::from(self.config()).accept(stream);
        let accepted = tokio::select! {
            () = self.stop.cancelled() => return None,
            accepted = timeout(self.time, accepting) => accepted,
        };
        match accepted {
            Ok(Ok(stream)) => {
                let shown = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
                let certificate = shown.map(|shown| CallerCertificate(subject(shown)));
                Some((stream, certificate))
            }
            Ok(Err(error)) => {
                tracing::debug!(%error, "a handshake failed");
                None
            }
            Err(_) => {
                tracing::debug!("a handshake took too long");
                None
            }
        }
    }

    fn config(&self) -> Arc<ServerConfig> {
        match self.guests {
            Guests::Callers => self.tls.callers(),
            Guests::Operators => self.tls.operators(),
        }
    }
}
