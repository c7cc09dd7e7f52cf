//! `migrate`: bring a store to the schema that this binary needs.

use super::settings::StoreArgs;
use crate::data_folder::DataFolder;
use crate::store::{Access, StoreUrl};

pub(super) async fn migrate(args: &StoreArgs) -> anyhow::Result<()> {
    let _folder = match &args.store {
        StoreUrl::Sqlite(path) => Some(DataFolder::take(DataFolder::of(path))?),
        StoreUrl::Postgres(_) => None,
    };
    args.options(Access::Owner).migrate().await?;
    println!("The store has the schema that this binary needs.");
    Ok(())
}
