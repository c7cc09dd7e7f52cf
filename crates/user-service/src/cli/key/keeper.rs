//! Who wraps keys anew: the service that answers on the admin socket, or this process if none does.

use std::path::PathBuf;

use super::super::projection::{Own, Place, service_at};
use crate::admin::{self, keys};
use crate::vault::MasterKeys;

/// Who does it.
pub(super) enum Keeper {
    /// A running service.
    Service(PathBuf),
    /// This process.
    Store(Box<Own>),
}

impl Keeper {
    pub(super) async fn open(place: &Place, new: Option<MasterKeys>) -> anyhow::Result<Self> {
        match service_at(place).await {
            Some(socket) => Ok(Self::Service(socket)),
            None => Ok(Self::Store(Box::new(Own::open(place, new).await?))),
        }
    }

    pub(super) async fn close(self) {
        if let Self::Store(own) = self {
            own.directory().store().close().await;
        }
    }

    pub(super) async fn status(&self) -> anyhow::Result<serde_json::Value> {
        match self {
            Self::Service(socket) => Ok(serde_json::from_str(&admin::ask(socket, "/keys").await?)?),
            Self::Store(own) => Ok(keys::wrapping(own.directory()).await?),
        }
    }

    pub(super) async fn rotate_some(
        &self,
        to: &str,
        after: Option<&str>,
    ) -> anyhow::Result<serde_json::Value> {
        match self {
            Self::Service(socket) => {
                let words = format!("{to} {}", after.unwrap_or_default());
                Ok(serde_json::from_str(&admin::tell(socket, "/keys/rotate", &words).await?)?)
            }
            Self::Store(own) => {
                let after = after.map(str::parse).transpose()?;
                Ok(keys::rotate_some(own.directory(), to.parse()?, after).await?)
            }
        }
    }
}
