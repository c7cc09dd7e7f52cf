//! The runner of projections at work in this process, over whatever a campaign has put in its way.

use std::time::Duration;

use cqrs::projection::{Projections, RunnerSettings};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use user_service::projections::{DecodedUserEvent, runner_settings};

use crate::service::LEASE;

/// A runner at work.
#[derive(Debug)]
pub(crate) struct Projecting {
    pub(crate) projections: Projections<DecodedUserEvent>,
    stop: CancellationToken,
    running: JoinHandle<()>,
}

/// As the product has it, but for what a campaign would wait for.
pub(crate) fn settings() -> RunnerSettings {
    RunnerSettings { lease_ttl: LEASE, wishes_every: Duration::from_millis(20), ..runner_settings() }
}

impl Projecting {
    pub(crate) fn start(projections: Projections<DecodedUserEvent>) -> Self {
        let stop = CancellationToken::new();
        let (running, stopped) = (projections.clone(), stop.clone());
        Self { projections, stop, running: tokio::spawn(async move { running.run(stopped).await }) }
    }

    /// Returns when it has given everything back.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        self.stop.cancel();
        Ok(self.running.await?)
    }
}
