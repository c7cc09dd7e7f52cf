//! `migrate`: bring a store to the schema that this binary needs, and make its master key if it keeps its own.

use clap::Args;

use super::settings::{KeyArgs, StoreArgs, announce_key};
use crate::Sources;
use crate::data_folder::DataFolder;
use crate::store::{Access, StoreUrl};

#[derive(Debug, Args)]
pub(super) struct MigrateArgs {
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    key: KeyArgs,
}

pub(super) async fn migrate(args: &MigrateArgs) -> anyhow::Result<()> {
    let store = &args.store.store;
    if let StoreUrl::Sqlite(path) = store {
        let folder = DataFolder::take(DataFolder::of(path))?;
        let (_, freshness) = args.key.of_store(store, Some(&folder), &Sources::system())?;
        args.store.options(Access::Owner).migrate().await?;
        announce_key(store, freshness);
    } else {
        args.store.options(Access::Owner).migrate().await?;
    }
    say!("The store has the schema that this binary needs.");
    Ok(())
}
