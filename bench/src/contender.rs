//! What is measured: every contender by name, and how each is set up, run and looked over.

use std::path::PathBuf;
use std::str::FromStr;

use anyhow::Context;
use tokio::runtime::{Builder, Runtime};

use crate::load::{Measured, Shape};
use crate::postgres::{self, Peer, Server};
use crate::service::{self, Call, Cores, Engine, PEOPLE};
use crate::sqlite;
use crate::workload::{Mix, Rung};

/// Something that carries out commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Contender {
    /// Our store on PostgreSQL with the ingredients up to a rung.
    Postgres(Rung),
    /// The same with everything on, and so many commands in a hundred to be refused.
    PostgresRefused(u8),
    /// The same with everything on, its callers shared out among so many processes.
    PostgresProcesses(usize),
    /// One row of events per command and commit, one connection per caller.
    PostgresRaw,
    /// All rows of a command in one statement and commit, one connection per caller, in no order.
    PostgresRawAll,
    /// Rows of events in batches of 1,000 on one connection.
    PostgresCopy,
    /// The predecessor's design.
    PostgresSeed,
    /// Our store with everything on and the user loaded before each append, over TCP.
    PostgresLoaded,
    /// Somebody else's event store, over TCP.
    PostgresPeer(Peer),
    /// Our store on SQLite with the ingredients up to a rung.
    Sqlite(Rung),
    /// The same with everything on, and so many commands in a hundred to be refused.
    SqliteRefused(u8),
    /// The same with everything on, without waiting for the disk.
    SqliteOff,
    /// The rows up to a rung in one transaction per command.
    SqliteSingle(Rung),
    /// A page written over another and synced, again and again: what the disk can do.
    Fdatasync,
    /// Our store alone, with everything on: profiles of as many users as the service is asked for.
    Updates(Engine),
    /// The service, called from another process.
    Service(Engine, Call, Cores),
    /// Reads of the embedded store, with nobody kept in memory.
    Uncached,
    /// Reads of the service at a rate that is always the same, alone or beside so many callers of something else.
    Reads(Engine, Option<Call>),
    /// Changes at half of the rate that so many callers reach, some of them followed until they are seen.
    Followed(Engine),
    /// Users who come into the service by the thousand: rows of an import.
    Imports(Engine),
    /// An echo of the service's messages, called in the same way.
    Echo(Call, Cores),
    /// An echo that reads each user from PostgreSQL by the product's own statement, through a pool as large as the product's.
    EchoOfPostgres,
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
    /// The same server as it was named to us.
    pub(crate) named: Server,
    /// A folder on a disk: one in memory would make every commit free.
    pub(crate) folder: PathBuf,
}

impl Place {
    pub(crate) fn new(server: Server) -> anyhow::Result<Self> {
        let program = std::env::current_exe().context("cannot tell where this program lies")?;
        let folder = program.parent().context("this program lies nowhere")?.to_path_buf();
        let named = server.clone();
        Ok(Self { server: on(CALLER_THREADS)?.block_on(server.nearest())?, named, folder })
    }
}

impl Contender {
    /// Every contender that has a name.
    fn all() -> impl Iterator<Item = Self> {
        let rungs = Rung::ALL.into_iter();
        let ours =
            rungs.flat_map(|rung| [Self::Postgres(rung), Self::Sqlite(rung), Self::SqliteSingle(rung)]);
        let others = [Self::PostgresRaw, Self::PostgresRawAll, Self::PostgresCopy, Self::PostgresSeed];
        let refused = [5, 50].into_iter().flat_map(|n| [Self::PostgresRefused(n), Self::SqliteRefused(n)]);
        let ours = ours.chain(refused).chain([1, 2].map(Self::PostgresProcesses));
        let peers = Peer::ALL.map(Self::PostgresPeer).into_iter().chain([Self::PostgresLoaded]);
        let cores = [Cores::Apart, Cores::Shared];
        let echoes =
            Call::ECHOED.into_iter().flat_map(move |call| cores.map(|cores| Self::Echo(call, cores)));
        let served = Engine::ALL.into_iter().flat_map(move |engine| {
            let calls = Call::ALL.into_iter();
            let calls = calls.flat_map(move |call| cores.map(|cores| Self::Service(engine, call, cores)));
            let beside = [None, Some(Call::Update), Some(Call::Verify)];
            let reads = beside.map(|beside| Self::Reads(engine, beside));
            calls.chain(reads).chain([Self::Followed(engine), Self::Imports(engine), Self::Updates(engine)])
        });
        ours.chain(others)
            .chain(peers)
            .chain([Self::SqliteOff, Self::Fdatasync, Self::EchoOfPostgres, Self::Uncached])
            .chain(echoes)
            .chain(served)
    }

    /// It, under so many callers.
    pub(crate) fn at(self, callers: usize) -> Subject {
        Subject { contender: self, callers }
    }

    pub(crate) fn name(self) -> String {
        match self {
            Self::Postgres(rung) => format!("postgres {}", rung.name()),
            Self::PostgresRefused(percent) => format!("postgres {percent}% refused"),
            Self::PostgresProcesses(n) => format!("postgres {n} processes"),
            Self::PostgresRaw => "postgres raw".to_owned(),
            Self::PostgresRawAll => "postgres raw-all".to_owned(),
            Self::PostgresCopy => "postgres copy".to_owned(),
            Self::PostgresSeed => "postgres seed".to_owned(),
            Self::PostgresLoaded => "postgres load + append".to_owned(),
            Self::PostgresPeer(peer) => peer.name().to_owned(),
            Self::Sqlite(rung) => format!("sqlite {}", rung.name()),
            Self::SqliteRefused(percent) => format!("sqlite {percent}% refused"),
            Self::SqliteOff => "sqlite off".to_owned(),
            Self::SqliteSingle(rung) => format!("sqlite single {}", rung.name()),
            Self::Fdatasync => "fdatasync".to_owned(),
            Self::Updates(engine) => format!("{} updates", engine.name()),
            Self::Service(engine, call, Cores::Apart) => {
                format!("{} service {} pinned", engine.name(), call.name())
            }
            Self::Service(engine, call, Cores::Shared) => {
                format!("{} service {}", engine.name(), call.name())
            }
            Self::Uncached => "sqlite service get uncached pinned".to_owned(),
            Self::Reads(engine, None) => format!("{} reads", engine.name()),
            Self::Reads(engine, Some(call)) => format!("{} reads beside {}", engine.name(), call.name()),
            Self::Followed(engine) => format!("{} half updates", engine.name()),
            Self::Imports(engine) => format!("{} imports", engine.name()),
            Self::Echo(call, Cores::Apart) => format!("echo {} pinned", call.name()),
            Self::Echo(call, Cores::Shared) => format!("echo {}", call.name()),
            Self::EchoOfPostgres => "postgres echo get".to_owned(),
        }
    }
}

impl Contender {
    async fn measure(self, place: &Place, shape: Shape) -> anyhow::Result<Measured> {
        let Place { server, named, folder } = place;
        match self {
            Self::Postgres(rung) => postgres::measure_ours(server, rung, Mix::ALL_ACCEPTED, shape).await,
            Self::PostgresRefused(percent) => {
                postgres::measure_ours(server, Rung::Row, Mix::Refused(percent), shape).await
            }
            Self::PostgresProcesses(n) => postgres::measure_processes(server, n, shape).await,
            Self::PostgresRaw => postgres::measure_raw(server, shape).await,
            Self::PostgresRawAll => postgres::measure_raw_all(server, shape).await,
            Self::PostgresCopy => postgres::measure_copy(server, shape).await,
            Self::PostgresSeed => postgres::measure_seed(server, shape).await,
            Self::PostgresLoaded => postgres::measure_loaded(named, shape).await,
            Self::PostgresPeer(peer) => postgres::measure_peer(named, peer, shape).await,
            Self::Sqlite(rung) => {
                sqlite::measure_ours(folder, (rung, sqlite::FULL), Mix::ALL_ACCEPTED, shape).await
            }
            Self::SqliteRefused(percent) => {
                sqlite::measure_ours(folder, (Rung::Row, sqlite::FULL), Mix::Refused(percent), shape).await
            }
            Self::SqliteOff => {
                sqlite::measure_ours(folder, (Rung::Row, sqlite::OFF), Mix::ALL_ACCEPTED, shape).await
            }
            Self::SqliteSingle(rung) => sqlite::measure_single(folder, rung, shape).await,
            Self::Fdatasync => sqlite::measure_fdatasync(folder, shape),
            Self::Updates(engine) => {
                let mix = Mix::Updates(PEOPLE / shape.callers);
                match engine {
                    Engine::Sqlite => {
                        sqlite::measure_ours(folder, (Rung::Row, sqlite::FULL), mix, shape).await
                    }
                    Engine::Postgres => postgres::measure_ours(server, Rung::Row, mix, shape).await,
                }
            }
            Self::Service(engine, call, cores) => {
                service::measure_service((server, folder), engine, (call, cores), shape).await
            }
            Self::Uncached => service::measure_uncached((server, folder), shape).await,
            Self::Reads(engine, beside) => {
                service::measure_reads((server, folder), engine, beside, shape).await
            }
            Self::Followed(engine) => service::measure_followed((server, folder), engine, shape).await,
            Self::Imports(engine) => service::measure_imports((server, folder), engine, shape).await,
            Self::Echo(call, cores) => service::measure_echo(call, cores, shape).await,
            Self::EchoOfPostgres => service::measure_echo_of_database(server, Cores::Shared, shape).await,
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
        let measured = on(threads)?.block_on(self.contender.measure(place, shape));
        measured.with_context(|| format!("{} with {} callers", self.contender.name(), self.callers))
    }
}

/// Threads of the callers' runtime, the same for every contender. One: on two cores a second one competes with the
/// database. `bench alone --threads 2` compares; whether raw would gain by it has not been settled on a quiet machine.
pub(crate) const CALLER_THREADS: usize = 1;

/// A runtime for callers.
pub(crate) fn on(threads: usize) -> anyhow::Result<Runtime> {
    let mut builder = if threads == 1 { Builder::new_current_thread() } else { Builder::new_multi_thread() };
    if threads > 1 {
        builder.worker_threads(threads);
    }
    Ok(builder.enable_all().build()?)
}
