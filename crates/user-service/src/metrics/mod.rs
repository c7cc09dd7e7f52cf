//! What the service measures: every metric is declared once in the catalogue, counted where it happens or read when
//! somebody asks, and shown as OpenMetrics text.
//!
//! Labels are bounded and hold nothing personal, no ids either. Who is asked about most is another question, for the
//! admin socket alone: [`MostAsked`].

mod append;
mod bounds;
mod calls;
mod catalogue;
mod certificates;
#[cfg(test)]
mod dashboard;
mod log;
mod most_asked;
mod process;
mod projections;
mod queries;
mod rounds;
mod sheet;
mod throttled;

use std::time::Duration;

use cqrs::projection::Projections;
use eventstore::EventStore;
use jiff::Timestamp;
use tokio::sync::Mutex;
use tokio::time::timeout;
use tracing::debug;

pub use bounds::{Bounds, Counted};
pub use calls::{Calls, OpenCall, Told};
pub use log::STATEMENTS;
pub use most_asked::{Asked, MostAsked};
pub use queries::{Queries, Query, Timed};
use sheet::Sheet;
pub use throttled::{Throttled, ThrottledAttempts};

use crate::doctor::Rounds;
use crate::tls::Certificates;

/// The content type of what [`Metrics::text`] gives.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// How long the store may take to be looked at. A scrape that times out itself would show nothing at all.
const PATIENCE: Duration = Duration::from_secs(2);

/// Everything that is measured in one process.
#[derive(Debug)]
pub struct Metrics {
    calls: Calls,
    bounds: Bounds,
    queries: Queries,
    most_asked: MostAsked,
    rounds: Rounds,
    throttled: ThrottledAttempts,
    certificates: Certificates,
    started: Timestamp,
    /// Looked at by one at a time: however many ask, the store answers one of them.
    turn: Mutex<()>,
}

impl Metrics {
    /// Nothing has happened yet.
    #[must_use]
    pub fn new(started: Timestamp) -> Self {
        Self {
            calls: Calls::of(user_api::Rpc::NAMES),
            bounds: Bounds::default(),
            queries: Queries::default(),
            most_asked: MostAsked::default(),
            rounds: Rounds::default(),
            throttled: ThrottledAttempts::default(),
            certificates: Certificates::default(),
            started,
            turn: Mutex::new(()),
        }
    }

    /// Calls of the surface.
    #[must_use]
    pub fn calls(&self) -> &Calls {
        &self.calls
    }

    /// Bounds of the host.
    #[must_use]
    pub fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    /// Questions about users.
    #[must_use]
    pub fn queries(&self) -> &Queries {
        &self.queries
    }

    /// Whom they are about.
    #[must_use]
    pub fn most_asked(&self) -> &MostAsked {
        &self.most_asked
    }

    /// What random checks have found.
    #[must_use]
    pub fn rounds(&self) -> &Rounds {
        &self.rounds
    }

    /// Attempts at passwords that had to wait.
    #[must_use]
    pub fn throttled(&self) -> &ThrottledAttempts {
        &self.throttled
    }

    /// Until when what TLS shows is valid.
    #[must_use]
    pub fn certificates(&self) -> &Certificates {
        &self.certificates
    }

    /// All of it, as it is now.
    pub async fn text<E: Send + Sync + 'static>(
        &self,
        store: &dyn EventStore,
        projections: &Projections<E>,
    ) -> String {
        let _turn = self.turn.lock().await;
        let mut sheet = Sheet::default();
        if timeout(PATIENCE, log::read(&mut sheet, store)).await.is_err() {
            debug!("the store did not answer in time for its metrics");
        }
        append::read(&mut sheet, &store.stats());
        if let Ok(Ok(all)) = timeout(PATIENCE, projections.status()).await {
            projections::read(&mut sheet, &all);
        }
        self.queries.read(&mut sheet);
        self.calls.read(&mut sheet);
        self.throttled.read(&mut sheet);
        self.bounds.read(&mut sheet);
        rounds::read(&mut sheet, &self.rounds);
        certificates::read(&mut sheet, &self.certificates);
        process::read(&mut sheet, self.started);
        sheet.text()
    }
}
