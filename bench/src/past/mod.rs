//! Directories with a long past, and what can be asked of it. Each measurement is a process of its own, so that its memory
//! is nobody else's.

mod people;
mod stand;
mod write;
mod pair;
mod moments;
mod lists;
mod rebuild;
mod projector;
mod export;
mod feed;
mod streams;

pub(crate) use lists::{Kind, Page};
pub(crate) use pair::Compared;
pub(crate) use rebuild::Built;
pub(crate) use stand::{MASTER_KEY, Running, Stand};
pub(crate) use streams::Stream;
pub(crate) use write::HASH;

use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, ensure};
use eventstore::AggregateId;
use serde::de::DeserializeOwned;
use uuid::Uuid;

/// Threads of the runtime that serves: as many as the product has on a small machine.
const SERVING_THREADS: usize = 2;

/// One measurement on one store, started by this program. What it prints is JSON.
#[derive(Debug, clap::Args)]
pub(crate) struct Measurement {
    /// sqlite:PATH or postgres://…
    #[arg(long)]
    store: String,
    #[command(subcommand)]
    task: Task,
}

/// What is measured.
#[derive(Clone, Debug, clap::Subcommand)]
pub(crate) enum Task {
    /// Write a past of so many users
    Write { users: usize },
    /// Decode and fold everything in memory
    Fold,
    /// Project the first so many events of a past of so many users as the predecessor does; on `PostgreSQL`
    Projector { users: usize, events: usize },
    /// Build projections anew
    Rebuild { only: Option<String> },
    /// Read pages of the past and of today
    Moments { rounds: usize },
    /// Read pages of today's lists
    Lists { rounds: usize },
    /// Take events away
    Export { events: u64 },
    /// Listen, many and one
    Feed { rounds: usize },
    /// Give users few and many events, and go on with each
    Streams { most: usize, rounds: usize },
    /// Execute one command, on a user who is there
    First { id: Uuid },
}

impl Measurement {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let Self { store, task } = self;
        let shown = crate::contender::on(SERVING_THREADS)?.block_on(async {
            let stand = Stand::open(&store).await?;
            let shown = match task {
                Task::Write { users } => serde_json::to_string(&write::write(&stand, users).await?)?,
                Task::Fold => serde_json::to_string(&rebuild::fold(&stand).await?)?,
                Task::Projector { users, events } => {
                    serde_json::to_string(&projector::measure(&store, users, events).await?)?
                }
                Task::Rebuild { only } => {
                    serde_json::to_string(&rebuild::measure(&stand, only.as_deref()).await?)?
                }
                Task::Moments { rounds } => serde_json::to_string(&moments::measure(&stand, rounds).await?)?,
                Task::Lists { rounds } => serde_json::to_string(&lists::measure(&stand, rounds).await?)?,
                Task::Export { events } => serde_json::to_string(&export::measure(&stand, events).await?)?,
                Task::Streams { most, rounds } => {
                    serde_json::to_string(&streams::measure(&stand, most, rounds).await?)?
                }
                Task::First { id } => serde_json::to_string(&streams::first(&stand, AggregateId(id)).await?)?,
                Task::Feed { rounds } => serde_json::to_string(&feed::measure(&stand, rounds).await?)?,
            };
            stand.store.close().await;
            anyhow::Ok(shown)
        })?;
        println!("{shown}");
        Ok(ExitCode::SUCCESS)
    }
}

impl Task {
    fn words(&self) -> Vec<String> {
        match self {
            Self::Write { users } => vec!["write".to_owned(), users.to_string()],
            Self::Fold => vec!["fold".to_owned()],
            Self::Projector { users, events } => {
                vec!["projector".to_owned(), users.to_string(), events.to_string()]
            }
            Self::Rebuild { only } => ["rebuild".to_owned()].into_iter().chain(only.clone()).collect(),
            Self::Moments { rounds } => vec!["moments".to_owned(), rounds.to_string()],
            Self::Lists { rounds } => vec!["lists".to_owned(), rounds.to_string()],
            Self::Export { events } => vec!["export".to_owned(), events.to_string()],
            Self::Streams { most, rounds } => {
                vec!["streams".to_owned(), most.to_string(), rounds.to_string()]
            }
            Self::First { id } => vec!["first".to_owned(), id.to_string()],
            Self::Feed { rounds } => vec!["feed".to_owned(), rounds.to_string()],
        }
    }

    /// Takes the measurement in a process of its own.
    pub(crate) fn measure<T: DeserializeOwned>(&self, store: &str) -> anyhow::Result<T> {
        let program = std::env::current_exe().context("cannot tell where this program lies")?;
        let mut command = Command::new(program);
        command.args(["past", "--store", store]).args(self.words()).stderr(Stdio::inherit());
        let output = command.output()?;
        ensure!(output.status.success(), "{:?} on {store}: {}", self, output.status);
        Ok(serde_json::from_slice(&output.stdout)?)
    }
}
