//! Who is asked: the service that answers on the admin socket, or the store itself if none does.
//!
//! The store can be asked beside any number of services on PostgreSQL, since a wish is a row in it. Where nobody owns the
//! projection, this process does until its wish is answered.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail};
use cqrs::projection::{Answer, Outcome, Wish};
use eventstore::ProjectionError;
use serde_json::Value;
use tokio::net::UnixStream;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use user_domain::PasswordPolicy;
use uuid::Uuid;

use super::Place;
use super::progress::Progress;
use crate::data_folder::DataFolder;
use crate::directory::{Directory, Parts};
use crate::passwords::{HashingCost, Passwords};
use crate::projections::{self, parked_of, runner_settings};
use crate::store::{Access, StoreUrl};
use crate::{Sources, admin};

const POLL: Duration = Duration::from_millis(200);

/// How long nobody may own a projection before this process does the work.
const OWNERLESS: u32 = 15;

/// Who is asked.
pub(in crate::cli) enum Desk {
    /// A running service.
    Service(PathBuf),
    /// The store, opened by this process.
    Store(Box<Directory>, #[expect(dead_code, reason = "it is ours until it is dropped")] Option<DataFolder>),
}

impl Desk {
    pub(in crate::cli) async fn open(place: &Place) -> anyhow::Result<Self> {
        let url = &place.service.store.store;
        if let Some(socket) = place.service.known_socket()
            && UnixStream::connect(&socket).await.is_ok()
        {
            return Ok(Self::Service(socket));
        }
        let folder = match url {
            StoreUrl::Sqlite(path) => Some(DataFolder::take(DataFolder::of(path))?),
            StoreUrl::Postgres(_) => None,
        };
        let keys = place.key.of_existing(url)?;
        let store = place.service.store.options(Access::Owner).open().await?;
        let sources = Sources::system();
        let passwords = Passwords::new(HashingCost::FLOOR, sources.clone());
        let runner = runner_settings();
        let parts = Parts { keys, passwords, policy: PasswordPolicy::default(), sources, runner };
        Ok(Self::Store(Box::new(Directory::open_existing(store, parts).await?), folder))
    }

    pub(in crate::cli) async fn close(&self) {
        if let Self::Store(directory, _) = self {
            directory.store().close().await;
        }
    }

    /// How every projection is.
    pub(super) async fn status(&self) -> anyhow::Result<Vec<Value>> {
        match self {
            Self::Service(socket) => Ok(serde_json::from_str(&admin::ask(socket, "/projections").await?)?),
            Self::Store(directory, _) => {
                Ok(directory.projections().status().await?.iter().map(projections::shown).collect())
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
            Self::Store(directory, _) => Ok(parked_of(directory, name, user).await?),
        }
    }

    /// Leaves a wish, shows how it is being done, and gives back what became of it.
    pub(in crate::cli) async fn fulfil(&self, name: &str, wish: Wish) -> anyhow::Result<Outcome> {
        let ticket = self.wish(name, &wish).await?;
        let (stop, mut progress, mut ownerless) = (CancellationToken::new(), Progress::new(), 0);
        let mut runner = None;
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
            if let (Self::Store(directory, _), None, OWNERLESS..) = (self, &runner, ownerless) {
                let (projections, stop) = (directory.projections().clone(), stop.clone());
                runner = Some(tokio::spawn(async move { projections.run(stop).await }));
            }
            sleep(POLL).await;
        };
        progress.end();
        stop.cancel();
        if let Some(runner) = runner {
            runner.await?;
        }
        outcome
    }

    async fn wish(&self, name: &str, wish: &Wish) -> anyhow::Result<u64> {
        match self {
            Self::Service(socket) => {
                let path = format!("/projections/{name}/wish");
                let ticket = admin::tell(socket, &path, &wish.to_string()).await?;
                ticket.parse().context("the service gave no ticket")
            }
            Self::Store(directory, _) => match directory.projections().wish(name, wish).await {
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
            Self::Store(directory, _) => Ok(directory.projections().answer(name, ticket).await?),
        }
    }
}
