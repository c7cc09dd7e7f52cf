//! `doctor`: check a store against its own log.

use clap::Args;
use user_domain::PasswordPolicy;

use super::Exit;
use super::settings::{KeyArgs, StoreArgs};
use crate::Sources;
use crate::directory::{Directory, Parts};
use crate::doctor;
use crate::passwords::{HashingCost, Passwords};
use crate::projections::runner_settings;
use crate::store::Access;

#[derive(Debug, Args)]
pub(super) struct DoctorArgs {
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    key: KeyArgs,
}

pub(super) async fn doctor(args: &DoctorArgs) -> anyhow::Result<Exit> {
    let keys = args.key.of_existing(&args.store.store)?;
    let store = args.store.options(Access::Reader).open().await?;
    let sources = Sources::system();
    let passwords = Passwords::new(HashingCost::FLOOR, sources.clone());
    let parts =
        Parts { keys, passwords, policy: PasswordPolicy::default(), sources, runner: runner_settings() };
    let report = doctor::examine(&Directory::open_existing(store, parts).await?).await?;
    println!("{report}");
    Ok(if report.findings.is_empty() { Exit::Success } else { Exit::Unsound })
}
