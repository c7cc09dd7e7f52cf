//! What is measured: every contender by name, and how each is set up, run and looked over.

use std::path::PathBuf;
use std::str::FromStr;

use anyhow::Context;
use tokio::runtime::{Builder, Runtime};

use crate::load::{Measured, Shape};
use crate::postgres::{self, Server};
use crate::sqlite;
use crate::workload::Rung;

/// Something that carries out commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Contender {
    /// Our store on PostgreSQL with the ingredients up to a rung.
    Postgres(Rung),
    /// The same with everything on, and one command in twenty to be refused.
    PostgresConflicts,
    /// The same with everything on, its callers shared out among so many processes.
    PostgresProcesses(usize),
    /// One row of events per command and commit, one connection per caller.
    PostgresRaw,
    /// All rows of a command in one statement and commit, one connection per caller, in no order.
    PostgresRawAll,
    /// The predecessor's design.
    PostgresSeed,
    /// Our store on SQLite with the ingredients up to a rung.
    Sqlite(Rung),
    /// The same with everything on, without waiting for the disk.
    SqliteOff,
    /// The rows up to a rung in one transaction per command.
    SqliteSingle(Rung),
}

/// A contender under so many callers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Subject {
    pub(crate) contender: Contender,
    pub(crate) callers: usize,
}

/// Where measurements take place.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) server: Server,
    /// A folder on a disk: one in memory would make every commit free.
    pub(crate) folder: PathBuf,
}

impl Place {
    pub(crate) fn new(server: Server) -> anyhow::Result<Self> {
        let program = std::env::current_exe().context("cannot tell where this program lies")?;
        let folder = program.parent().context("this program lies nowhere")?.to_path_buf();
        Ok(Self { server: on(CALLER_THREADS)?.block_on(server.nearest())?, folder })
    }
}

impl Contender {
    /// Every contender that has a name.
    fn all() -> impl Iterator<Item = Self> {
        let rungs = Rung::ALL.into_iter();
        let ours =
            rungs.flat_map(|rung| [Self::Postgres(rung), Self::Sqlite(rung), Self::SqliteSingle(rung)]);
        let others = [Self::PostgresConflicts, Self::PostgresRaw, Self::PostgresRawAll, Self::PostgresSeed];
        ours.chain(others).chain([1, 2].map(Self::PostgresProcesses)).chain([Self::SqliteOff])
    }

    pub(crate) fn name(self) -> String {
        match self {
            Self::Postgres(rung) => format!("postgres {}", rung.name()),
            Self::PostgresConflicts => "postgres conflicts".to_owned(),
            Self::PostgresProcesses(n) => format!("postgres {n} processes"),
            Self::PostgresRaw => "postgres raw".to_owned(),
            Self::PostgresRawAll => "postgres raw-all".to_owned(),
            Self::PostgresSeed => "postgres seed".to_owned(),
            Self::Sqlite(rung) => format!("sqlite {}", rung.name()),
            Self::SqliteOff => "sqlite off".to_owned(),
            Self::SqliteSingle(rung) => format!("sqlite single {}", rung.name()),
        }
    }
}

impl FromStr for Contender {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let names = || Self::all().map(Self::name).collect::<Vec<_>>().join(", ");
        Self::all().find(|contender| contender.name() == text).ok_or_else(|| format!("none of: {}", names()))
    }
}

impl Subject {
    /// One measurement, on empty tables.
    pub(crate) fn measure(self, place: &Place, shape: Shape, threads: usize) -> anyhow::Result<Measured> {
        let measured = on(threads)?.block_on(async {
            match self.contender {
                Contender::Postgres(rung) => postgres::measure_ours(&place.server, rung, 0, shape).await,
                Contender::PostgresConflicts => {
                    postgres::measure_ours(&place.server, Rung::Row, CONFLICT_PERCENT, shape).await
                }
                Contender::PostgresProcesses(n) => postgres::measure_processes(&place.server, n, shape).await,
                Contender::PostgresRaw => postgres::measure_raw(&place.server, shape).await,
                Contender::PostgresRawAll => postgres::measure_raw_all(&place.server, shape).await,
                Contender::PostgresSeed => postgres::measure_seed(&place.server, shape).await,
                Contender::Sqlite(rung) => {
                    sqlite::measure_ours(&place.folder, rung, sqlite::FULL, shape).await
                }
                Contender::SqliteOff => {
                    sqlite::measure_ours(&place.folder, Rung::Row, sqlite::OFF, shape).await
                }
                Contender::SqliteSingle(rung) => sqlite::measure_single(&place.folder, rung, shape).await,
            }
        });
        measured.with_context(|| format!("{} with {} callers", self.contender.name(), self.callers))
    }
}

/// Threads of the callers' runtime, the same for every contender. One: on two cores a second one competes with the
/// database. `bench alone --threads 2` compares; whether raw would gain by it has not been settled on a quiet machine.
pub(crate) const CALLER_THREADS: usize = 1;

/// How many commands in a hundred are to be refused where some are.
const CONFLICT_PERCENT: u8 = 5;

/// A runtime for callers.
pub(crate) fn on(threads: usize) -> anyhow::Result<Runtime> {
    let mut builder = if threads == 1 { Builder::new_current_thread() } else { Builder::new_multi_thread() };
    if threads > 1 {
        builder.worker_threads(threads);
    }
    Ok(builder.enable_all().build()?)
}
