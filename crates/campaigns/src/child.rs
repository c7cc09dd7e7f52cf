//! `campaigns child`: the service put together as `serve` does it, with room for a control before its store.

use std::io::Read;
use std::sync::Arc;

use anyhow::Context;
use clap::ValueEnum;
use eventstore::EventStore;
use tokio_util::sync::CancellationToken;
use user_service::Sources;
use user_service::store::StoreOptions;

use crate::black_hole::call_unknowns_failures::CallUnknownsFailures;
use crate::instance::{self, Served};
use crate::kill_service::acknowledge_before_commit::AcknowledgeBeforeCommit;
use crate::owner_kill::no_fence::NoFence;
use crate::power_cut;
use crate::sabotage::Sabotaged;
use crate::tampered::Tampered;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[arg(long, value_enum)]
    adapter: Option<Adapter>,
}

/// What stands before the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Adapter {
    /// The control of kill-service
    AcknowledgeBeforeCommit,
    /// The control of owner-kill
    NoFence,
    /// The control of power-cut on the embedded store
    SynchronousNormal,
    /// The control of black-hole
    CallUnknownsFailures,
}

/// Serves until its standard input ends, or it is killed.
pub(crate) async fn serve(arguments: Arguments) -> anyhow::Result<()> {
    let url = std::env::var("USER_SERVICE_STORE").context("USER_SERVICE_STORE names no store")?;
    let options = StoreOptions::at(url.parse()?);
    options.migrate().await?;
    let store = match arguments.adapter {
        Some(Adapter::SynchronousNormal) => power_cut::normal::open(&options).await?,
        Some(Adapter::AcknowledgeBeforeCommit | Adapter::NoFence | Adapter::CallUnknownsFailures) | None => {
            options.open().await?
        }
    };
    let store: Arc<dyn EventStore> = match arguments.adapter {
        Some(Adapter::AcknowledgeBeforeCommit) => {
            let by = AcknowledgeBeforeCommit::over(Arc::clone(&store)).await?;
            Arc::new(Sabotaged { store, by })
        }
        Some(Adapter::NoFence) => {
            let by = Arc::new(NoFence(Arc::clone(&store)));
            Arc::new(Sabotaged { by: Tampered { store: Arc::clone(&store), by }, store })
        }
        Some(Adapter::CallUnknownsFailures) => Arc::new(Sabotaged { store, by: CallUnknownsFailures }),
        Some(Adapter::SynchronousNormal) | None => store,
    };
    let directory = instance::directory(store, Sources::system()).await?;
    let served = Served::start(directory.clone()).await?;
    let (projections, stop) = (directory.projections().clone(), CancellationToken::new());
    let stopped = stop.clone();
    let projecting = tokio::spawn(async move { projections.run(stopped).await });
    println!("  users       http://{}", served.address);
    tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await??;
    stop.cancel();
    projecting.await?;
    served.stop().await?;
    directory.store().close().await;
    Ok(())
}
