//! `accept-clock`: tell a running service that a clock which jumped forward is right.

use anyhow::bail;

use super::settings::StoreArgs;
use crate::admin;
use crate::data_folder::{DataFolder, admin_socket};
use crate::store::StoreUrl;

pub(super) async fn accept(args: &StoreArgs) -> anyhow::Result<()> {
    match &args.store {
        StoreUrl::Sqlite(path) => {
            println!("{}", admin::tell(&admin_socket(DataFolder::of(path)), "/clock/accept", "").await?);
            Ok(())
        }
        StoreUrl::Postgres(_) => {
            bail!("a service on PostgreSQL takes the clock of its start: restart the instance to accept it")
        }
    }
}
