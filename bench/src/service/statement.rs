//! The statement by which the product reads a user on PostgreSQL, through such a pool as the product has, and nothing else of
//! the product: what no `GetUser` can do without.

use std::time::SystemTime;

use anyhow::bail;
use buffa::MessageField;
use deadpool_postgres::{Hook, HookError, Manager, ManagerConfig, Pool, RecyclingMethod, Runtime};
use eventstore_postgres::Options;
use tokio_postgres::{Config, NoTls, Row};
use user_api::v1;
use uuid::Uuid;

use crate::postgres::settings;

/// Word by word the product's own.
const BY_ID: &str = "SELECT r.id, r.email, r.username, r.first_name, r.last_name, r.avatar_url, r.status, r.standing, \
    r.created_at, r.last_updated, r.deleted_at, r.version, r.position FROM user_read_model r WHERE r.id = $1";

/// A pool of connections to execute it on.
#[derive(Clone, Debug)]
pub(super) struct Statement(Pool);

impl Statement {
    /// As many connections as the product reads on unless it is told otherwise, with the same settings, recycled in the same
    /// way.
    pub(super) fn on(url: &str) -> anyhow::Result<Self> {
        let config = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = Manager::from_config(url.parse::<Config>()?, NoTls, config);
        let settings = settings(url);
        let enter = Hook::async_fn(move |client: &mut deadpool_postgres::ClientWrapper, _| {
            let settings = settings.clone();
            Box::pin(async move { client.batch_execute(&settings).await.map_err(HookError::Backend) })
        });
        let pool = Pool::builder(manager).max_size(Options::at(url).readers).runtime(Runtime::Tokio1);
        Ok(Self(pool.post_create(enter).build()?))
    }

    /// Whoever has an id, as the contract shows her, and the position of her last event.
    pub(super) async fn user(&self, id: Uuid) -> anyhow::Result<Option<(v1::User, u64)>> {
        let client = self.0.get().await?;
        let prepared = client.prepare_cached(BY_ID).await?;
        let row = client.query_opt(&prepared, &[&id]).await?;
        row.as_ref().map(shown).transpose()
    }
}

/// Every column is decoded: the standing too, which says the same as the status.
fn shown(row: &Row) -> anyhow::Result<(v1::User, u64)> {
    let id: Uuid = row.try_get(0)?;
    let (_standing, version, position): (i16, i64, i64) =
        (row.try_get(7)?, row.try_get(11)?, row.try_get(12)?);
    let time = |time: SystemTime| MessageField::some(time.into());
    let user = v1::User {
        id: id.to_string(),
        email: row.try_get(1)?,
        username: row.try_get(2)?,
        first_name: row.try_get(3)?,
        last_name: row.try_get(4)?,
        avatar_url: row.try_get(5)?,
        status: status(row.try_get(6)?)?.into(),
        created_at: time(row.try_get(8)?),
        updated_at: time(row.try_get(9)?),
        deleted_at: row.try_get::<_, Option<SystemTime>>(10)?.map_or_else(MessageField::none, time),
        etag: format!("{version:x}-{:08x}", id.as_u128() & 0xffff_ffff),
    };
    Ok((user, position.unsigned_abs()))
}

fn status(text: &str) -> anyhow::Result<v1::UserStatus> {
    Ok(match text {
        "active" => v1::UserStatus::Active,
        "inactive" => v1::UserStatus::Inactive,
        "suspended" => v1::UserStatus::Suspended,
        "deleted" => v1::UserStatus::Deleted,
        other => bail!("nobody is {other}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_statement_of_the_product() {
        assert!(user_service::read_model::STATEMENTS.iter().any(|select| select.sql == BY_ID));
    }
}
