//! `accept-clock`: tell a running service that a clock which jumped forward is right.

use super::settings::AdminArgs;
use crate::admin;

pub(super) async fn accept(args: &AdminArgs) -> anyhow::Result<()> {
    say!("{}", admin::tell(&args.socket()?, "/clock/accept", "").await?);
    Ok(())
}
