//! The accept loop of one listener, and its end. It owns every task that it starts, and every task
//! that HTTP/2 starts for a request: when it returns, none is left.

use std::time::Duration;

use axum::Router;
use hyper::rt::Executor;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::connection::{Connections, Peer};
use super::limits::HostLimits;
use super::places::Places;
use super::{panics, taken};
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

/// Serves `router` on `listener` until `stop`, then drains within `limits.drain_max`.
pub(super) async fn serve(
    listener: TcpListener,
    router: Router,
    limits: &HostLimits,
    bounds: &Bounds,
    stop: &CancellationToken,
) -> Drained {
    let (tasks, cut) = (TaskTracker::new(), CancellationToken::new());
    let places = Places::new(limits.connections_max, limits.connections_per_address_max);
    let router = panics::contain(router);
    let executor = Tracked { tasks: tasks.clone(), stalled_max: limits.stalled_max, bounds: bounds.clone() };
    let connections = Connections::new(executor.clone(), router, limits, stop.clone(), cut.clone());
    // The listener goes with the loop, so nobody connects to a service that is leaving.
    tokio::select! {
        () = stop.cancelled() => {}
        () = accept_for_ever(listener, connections, &places, &executor) => {}
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

async fn accept_for_ever(listener: TcpListener, connections: Connections, places: &Places, tasks: &Tracked) {
    loop {
        let (stream, address) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                sleep(PAUSE_AFTER_REFUSAL).await;
                continue;
            }
        };
        let place = match places.take(address.ip()) {
            Ok(place) => (place, tasks.bounds.connection()),
            Err(full) => {
                tasks.bounds.refused(full.label());
                tracing::debug!("a connection was closed: there are too many");
                continue;
            }
        };
        send_at_once(&stream);
        let connection = connections.serve(stream, Peer(address));
        tasks.execute(async move {
            connection.await;
            drop(place);
        });
    }
}

/// Answers are small and complete; waiting for more to send would only delay them.
fn send_at_once(stream: &TcpStream) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection keeps its delay");
    }
}
