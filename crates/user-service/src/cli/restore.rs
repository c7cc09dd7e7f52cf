//! `restore`: after a backup was put back, erase again whoever has been erased since it was made.

use anyhow::Context;
use clap::Args;
use user_domain::PasswordPolicy;

use super::settings::{ErasureArgs, KeyArgs, StoreArgs};
use crate::Sources;
use crate::data_folder::DataFolder;
use crate::directory::{Directory, Parts};
use crate::erasures::{self, ErasureList, Restored};
use crate::passwords::{HashingCost, Passwords};
use crate::projections::runner_settings;
use crate::store::{Access, StoreUrl};

#[derive(Debug, Args)]
pub(super) struct RestoreArgs {
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    key: KeyArgs,
    #[command(flatten)]
    erasures: ErasureArgs,
}

pub(super) async fn restore(args: &RestoreArgs) -> anyhow::Result<()> {
    let store = &args.store.store;
    let list = args.erasures.list(store).context(
        "on PostgreSQL the list of erasures must be given: --erasure-list, the file that the service wrote",
    )?;
    let _folder = match store {
        StoreUrl::Sqlite(path) => Some(DataFolder::take(DataFolder::of(path))?),
        StoreUrl::Postgres(_) => None,
    };
    let keys = args.key.of_existing(store)?;
    let options = args.store.options(Access::Owner);
    options.migrate().await?;
    let sources = Sources::system();
    let passwords = Passwords::new(HashingCost::FLOOR, sources.clone());
    let runner = runner_settings();
    let parts = Parts { keys, passwords, policy: PasswordPolicy::default(), sources, runner };
    let directory = Directory::open_existing(options.open().await?, parts).await?;
    let restored = reapply(&directory, &list).await?;
    if restored.erased_again == 0 {
        say!("Whoever is on the list is erased: nothing to do.");
    }
    directory.store().close().await;
    Ok(())
}

/// Erases again, and says so.
pub(super) async fn reapply(directory: &Directory, list: &ErasureList) -> anyhow::Result<Restored> {
    let restored = erasures::reapply(directory, list).await.with_context(|| {
        format!("{}: the store is not served, it may hold somebody who was erased", list.path().display())
    })?;
    if restored.erased_again > 0 {
        say!(
            "  !! A restored backup: {} of {} listed erasures had been undone and were done again.",
            restored.erased_again,
            restored.listed
        );
    }
    Ok(restored)
}
