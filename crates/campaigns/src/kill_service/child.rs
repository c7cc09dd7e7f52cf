//! `campaigns child`: the service put together as `serve` does it, with room for a control before its store.

use std::io::Read;
use std::sync::Arc;

use anyhow::Context;
use eventstore::EventStore;
use user_service::Sources;
use user_service::store::StoreOptions;

use super::Control;
use super::acknowledge_before_commit::AcknowledgeBeforeCommit;
use crate::instance::{self, Served};
use crate::sabotage::Sabotaged;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[arg(long, value_enum)]
    control: Option<Control>,
}

/// Serves until its standard input ends, or it is killed.
pub(crate) async fn serve(arguments: Arguments) -> anyhow::Result<()> {
    let url = std::env::var("USER_SERVICE_STORE").context("USER_SERVICE_STORE names no store")?;
    let options = StoreOptions::at(url.parse()?);
    options.migrate().await?;
    let store = options.open().await?;
    let store: Arc<dyn EventStore> = match arguments.control {
        Some(Control::AcknowledgeBeforeCommit) => {
            let by = AcknowledgeBeforeCommit::over(Arc::clone(&store)).await?;
            Arc::new(Sabotaged { store, by })
        }
        None => store,
    };
    let directory = instance::directory(store, Sources::system()).await?;
    let served = Served::start(directory.clone()).await?;
    println!("  users       http://{}", served.address);
    tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await??;
    served.stop().await?;
    directory.store().close().await;
    Ok(())
}
