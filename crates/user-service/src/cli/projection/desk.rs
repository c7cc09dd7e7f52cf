//! Who is asked: the service that answers on the admin socket, or the store itself if none does.
//!
//! The store can be asked beside any number of services on PostgreSQL, since a wish is a row in it. Where nobody owns the
//! projection, this process does until the command has ended.

use std::cell::OnceCell;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail};
use cqrs::projection::{Answer, Outcome, Wish};
use eventstore::ProjectionError;
use serde_json::Value;
use tokio::net::UnixStream;
use tokio::task::JoinHandle;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::Place;
use super::progress::Progress;
use crate::admin;
use crate::data_folder::DataFolder;
use crate::directory::{Directory, Parts};
use crate::projections::{self, parked_of};
use crate::store::{Access, StoreUrl};
use crate::vault::MasterKeys;

const POLL: Duration = Duration::from_millis(200);

/// How long nobody may own a projection before this process does the work.
const OWNERLESS: u32 = 15;

/// Who is asked.
pub(in crate::cli) enum Desk {
    /// A running service.
    Service(PathBuf),
    /// The store, opened by this process.
    Store(Box<Own>),
}

/// The store in the hands of this process.
pub(in crate::cli) struct Own {
    directory: Directory,
    _folder: Option<DataFolder>,
    /// The work on projections, once it was found that nobody does it: for all wishes of this command.
    runner: OnceCell<JoinHandle<()>>,
    stop: CancellationToken,
}

impl Desk {
    pub(in crate::cli) async fn open(place: &Place) -> anyhow::Result<Self> {
        match service_at(place).await {
            Some(socket) => Ok(Self::Service(socket)),
            None => Ok(Self::Store(Box::new(Own::open(place, None).await?))),
        }
    }

    pub(in crate::cli) async fn close(self) -> anyhow::Result<()> {
        if let Self::Store(own) = self {
            own.stop.cancel();
            if let Some(runner) = own.runner.into_inner() {
                runner.await?;
            }
            own.directory.store().close().await;
        }
        Ok(())
    }

    /// How every projection is.
    pub(super) async fn status(&self) -> anyhow::Result<Vec<Value>> {
        match self {
            Self::Service(socket) => Ok(serde_json::from_str(&admin::ask(socket, "/projections").await?)?),
            Self::Store(own) => {
                Ok(own.directory.projections().status().await?.iter().map(projections::shown).collect())
            }
        }
    }

    /// What is parked, of one user or of all.
    pub(super) async fn parked(&self, name: &str, user: Option<Uuid>) -> anyhow::Result<Vec<Value>> {
        match self {
            Self::Service(socket) => {
                let user = user.map_or(String::new(), |user| format!("/{user}"));
                Ok(serde_json::from_str(
                    &admin::ask(socket, &format!("/projections/{name}/parked{user}")).await?,
                )?)
            }
            Self::Store(own) => Ok(parked_of(&own.directory, name, user).await?),
        }
    }

    /// Leaves a wish, shows how it is being done, and gives back what became of it.
    pub(in crate::cli) async fn fulfil(&self, name: &str, wish: Wish) -> anyhow::Result<Outcome> {
        let ticket = self.wish(name, &wish).await?;
        let (mut progress, mut ownerless) = (Progress::new(), 0);
        let outcome = loop {
            match self.answer(name, ticket).await? {
                Answer::Pending => {}
                Answer::Given(outcome) => break Ok(outcome),
                Answer::Replaced => break Err(anyhow::anyhow!("somebody has wished something else since")),
            }
            let status = self.status().await?;
            let one = status.iter().find(|status| status["name"] == name);
            progress.show(one);
            ownerless = if one.is_some_and(|one| one["owner"].is_null()) { ownerless + 1 } else { 0 };
            if let (Self::Store(own), OWNERLESS..) = (self, ownerless) {
                own.runner.get_or_init(|| own.run());
            }
            sleep(POLL).await;
        };
        progress.end();
        outcome
    }

    async fn wish(&self, name: &str, wish: &Wish) -> anyhow::Result<u64> {
        match self {
            Self::Service(socket) => {
                let path = format!("/projections/{name}/wish");
                let ticket = admin::tell(socket, &path, &wish.to_string()).await?;
                ticket.parse().context("the service gave no ticket")
            }
            Self::Store(own) => match own.directory.projections().wish(name, wish).await {
                Ok(ticket) => Ok(ticket),
                Err(ProjectionError::Missing) => bail!("there is no projection {name}"),
                Err(error) => Err(error.into()),
            },
        }
    }

    async fn answer(&self, name: &str, ticket: u64) -> anyhow::Result<Answer> {
        match self {
            Self::Service(socket) => {
                let answer: Value = serde_json::from_str(
                    &admin::ask(socket, &format!("/projections/{name}/wish/{ticket}")).await?,
                )?;
                Ok(match (answer["replaced"].as_bool(), answer["answer"].as_str()) {
                    (Some(true), _) => Answer::Replaced,
                    (_, Some(text)) => Answer::Given(Outcome::read(text)),
                    (_, None) => Answer::Pending,
                })
            }
            Self::Store(own) => Ok(own.directory.projections().answer(name, ticket).await?),
        }
    }
}

/// The socket of the service that is meant, if one answers there.
pub(in crate::cli) async fn service_at(place: &Place) -> Option<PathBuf> {
    let socket = place.service.known_socket()?;
    UnixStream::connect(&socket).await.is_ok().then_some(socket)
}

impl Own {
    /// Opens the store, which nobody else may be using if it is an embedded one. More master keys can be given for reading.
    pub(in crate::cli) async fn open(place: &Place, more: Option<MasterKeys>) -> anyhow::Result<Self> {
        let url = &place.service.store.store;
        let folder = match url {
            StoreUrl::Sqlite(path) => Some(DataFolder::take(DataFolder::of(path))?),
            StoreUrl::Postgres(_) => None,
        };
        let keys = place.key.of_existing(url)?;
        let keys = match more {
            Some(more) => keys.and(more),
            None => keys,
        };
        let store = place.service.store.options(Access::Owner).open().await?;
        let directory = Directory::open_existing(store, Parts::of_an_operator(keys)).await?;
        Ok(Self { directory, _folder: folder, runner: OnceCell::new(), stop: CancellationToken::new() })
    }

    pub(in crate::cli) fn directory(&self) -> &Directory {
        &self.directory
    }

    /// Does the work of projections until it is told to stop.
    fn run(&self) -> JoinHandle<()> {
        let (projections, stop) = (self.directory.projections().clone(), self.stop.clone());
        tokio::spawn(async move { projections.run(stop).await })
    }
}
