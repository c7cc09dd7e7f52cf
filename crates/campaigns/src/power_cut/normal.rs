//! The control on the embedded store: a commit is acknowledged before it is on the disk. The product has no such setting.

use std::sync::Arc;

use anyhow::bail;
use eventstore::{Durability, EventStore};
use eventstore_sqlite::{Options, Store, Synchronous};
use user_service::store::{SQLITE_MIGRATIONS, StoreOptions, StoreUrl, TABLES};

/// The store as the product opens it, but for that.
pub(crate) async fn open(options: &StoreOptions) -> anyhow::Result<Arc<dyn EventStore>> {
    let StoreUrl::Sqlite(path) = &options.url else { bail!("this is about the embedded store") };
    let options = Options {
        tables: TABLES,
        migrations: SQLITE_MIGRATIONS,
        durability: Durability::MayBeWeakened,
        synchronous: Synchronous::Normal,
        ..Options::at(path)
    };
    Ok(Arc::new(Store::open(options).await?))
}
