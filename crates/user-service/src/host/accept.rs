//! The accept loop of one listener, and its end. It owns every task that it starts, and every task
//! that HTTP/2 starts for a request: when it returns, none is left.

use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use hyper::rt::Executor;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

use super::connection::{Caller, Connections, Peer};
use super::handshake::Handshakes;
use super::limits::HostLimits;
use super::places::Places;
use super::taken;
use super::wire::Wire;
use crate::metrics::Bounds;

/// The system refuses a connection when it is out of file descriptors: give it time to get some back
/// instead of asking as fast as the processor can.
const PAUSE_AFTER_REFUSAL: Duration = Duration::from_millis(50);

/// What is cut ends when it is next polled. A task that blocks its thread never is: this is how long
/// we wait before we leave it behind.
const CUT_MAX: Duration = Duration::from_secs(1);

/// How a listener ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drained {
    /// Connections that were still busy at the bound. 0: everybody got an answer.
    pub connections_cut: usize,
}

/// Spawns into the tracker, so that the drain waits for the requests and not only the connections. A request whose answer
/// nobody takes is dropped.
#[derive(Clone, Debug)]
pub(super) struct Tracked {
    tasks: TaskTracker,
    stalled_max: Duration,
    bounds: Bounds,
}

impl Tracked {
    /// A stream that ends when nobody takes what is written to it, as a request does.
    pub(super) fn watched<S>(&self, stream: S) -> Wire<S> {
        Wire::new(stream, self.stalled_max, self.bounds.clone())
    }
}

impl<F> Executor<F> for Tracked
where
    F: Future<Output: Send> + Send + 'static,
{
    fn execute(&self, future: F) {
        let Self { tasks, stalled_max, bounds } = self.clone();
        let call = async move {
            if taken::unless_stalled(stalled_max, future).await.is_none() {
                bounds.stalled();
            }
        };
        tasks.spawn(call);
    }
}

/// What answers requests. Cheap to clone.
pub(super) trait Answers: Clone + Send + Sync + 'static {
    fn answer(self, request: Request) -> impl Future<Output = Response> + Send;
}

impl Answers for Router {
    async fn answer(self, request: Request) -> Response {
        let Ok(answer) = self.oneshot(request).await;
        answer
    }
}

/// What stands between accepting a connection and serving it.
#[derive(Clone)]
pub(super) enum Entrance {
    Open,
    Encrypted(Handshakes),
}

/// A listener, what a connection has to get through, and where it is counted.
pub(super) struct Door {
    pub(super) listener: TcpListener,
    pub(super) entrance: Entrance,
    pub(super) bounds: Bounds,
}

/// Has requests answered behind `door` until `stop`, then drains within `limits.drain_max`.
pub(super) async fn serve(
    door: Door,
    answers: impl Answers,
    limits: &HostLimits,
    stop: &CancellationToken,
) -> Drained {
    let Door { listener, entrance, bounds } = door;
    let (tasks, cut) = (TaskTracker::new(), CancellationToken::new());
    let places = Places::new(limits.connections_max, limits.connections_per_address_max);
    let tracked = Tracked { tasks: tasks.clone(), stalled_max: limits.stalled_max, bounds };
    let connections = Connections::new(tracked.clone(), answers, limits, stop.clone(), cut.clone());
    let guests = Reception { places: places.clone(), connections, tracked };
    // The listener goes with the loop, so nobody connects to a service that is leaving.
    tokio::select! {
        () = stop.cancelled() => {}
        () = guests.receive(listener, &entrance) => {}
    }
    tasks.close();
    if timeout(limits.drain_max, tasks.wait()).await.is_ok() {
        return Drained { connections_cut: 0 };
    }
    let connections_cut = places.taken();
    cut.cancel();
    if timeout(CUT_MAX, tasks.wait()).await.is_err() {
        tracing::error!(tasks = tasks.len(), "requests block their threads and were left behind");
    }
    Drained { connections_cut }
}

/// Lets connections in, one after the other, and never waits for any of them.
#[derive(Clone)]
struct Reception<A> {
    places: Places,
    connections: Connections<A>,
    tracked: Tracked,
}

impl<A: Answers> Reception<A> {
    async fn receive(&self, listener: TcpListener, entrance: &Entrance) {
        loop {
            match listener.accept().await {
                Ok((stream, address)) => {
                    send_at_once(&stream);
                    match entrance {
                        Entrance::Open => self.let_in(stream, Peer(address)),
                        Entrance::Encrypted(handshakes) => self.shake(handshakes, stream, Peer(address)),
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    sleep(PAUSE_AFTER_REFUSAL).await;
                }
            }
        }
    }

    fn let_in(&self, stream: TcpStream, peer: Peer) {
        let Some(place) = self.place(peer) else { return };
        let connection = self.connections.serve(stream, Caller { peer, certificate: None });
        self.tracked.execute(async move {
            connection.await;
            drop(place);
        });
    }

    fn shake(&self, handshakes: &Handshakes, stream: TcpStream, peer: Peer) {
        let Ok(begun) = handshakes.place(peer.0.ip()) else {
            self.tracked.bounds.refused("handshakes");
            tracing::debug!("a connection was closed: too many handshakes are under way");
            return;
        };
        let (handshakes, this) = (handshakes.clone(), self.clone());
        self.tracked.execute(async move {
            let Some((stream, certificate)) = handshakes.shake(stream).await else { return };
            drop(begun);
            let Some(place) = this.place(peer) else { return };
            this.connections.serve(stream, Caller { peer, certificate }).await;
            drop(place);
        });
    }

    /// One of those that are served, until it is dropped.
    fn place(&self, peer: Peer) -> Option<impl Send + use<A>> {
        match self.places.take(peer.0.ip()) {
            Ok(place) => Some((place, self.tracked.bounds.connection())),
            Err(full) => {
                self.tracked.bounds.refused(full.label());
                tracing::debug!("a connection was closed: there are too many");
                None
            }
        }
    }
}

/// Answers are small and complete; waiting for more to send would only delay them.
fn send_at_once(stream: &TcpStream) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection keeps its delay");
    }
}
