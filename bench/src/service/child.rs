//! A process that serves: the shipped binary, or the echo. Found by the address that it prints, ended with SIGTERM, and
//! killed when the value is dropped.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

use super::Cores;
use super::echo::ECHOED_DATABASE;
use super::pinned::{self, Role};
use crate::past::MASTER_KEY;

/// A start takes a second; on a machine with much else to do, some more.
const START_MAX: Duration = Duration::from_mins(1);
const END_MAX: Duration = Duration::from_secs(30);

/// Where the shipped binary is: `cargo xtask bench` builds it and sets this.
const PROGRAM_VARIABLE: &str = "USER_SERVICE_PROGRAM";

/// A variable of the service's, and its value.
pub(super) type Setting = (&'static str, &'static str);

/// The shipped binary.
fn program() -> anyhow::Result<PathBuf> {
    let program = std::env::var_os(PROGRAM_VARIABLE);
    let program = PathBuf::from(program.with_context(|| format!("{PROGRAM_VARIABLE} names no binary"))?);
    ensure!(program.exists(), "{} is missing", program.display());
    Ok(program)
}

#[derive(Debug)]
pub(crate) struct Service {
    process: Child,
    said: Lines<BufReader<ChildStdout>>,
    pub(crate) address: SocketAddr,
}

impl Service {
    /// The shipped binary on a store, with its defaults; it only logs what is wrong.
    pub(crate) async fn start(store: &str, cores: Cores) -> anyhow::Result<Self> {
        Self::start_with(&[], store, cores).await
    }

    /// The same, with some settings that are not the defaults.
    pub(super) async fn start_with(settings: &[Setting], store: &str, cores: Cores) -> anyhow::Result<Self> {
        let mut command = pinned::command(program()?, cores, Role::Serves);
        command.args(["serve", "--grpc-addr", "127.0.0.1:0", "--http-addr", "127.0.0.1:0"]);
        command.env("USER_SERVICE_STORE", store).env("USER_SERVICE_MASTER_KEY", MASTER_KEY);
        command.env("USER_SERVICE_LOG", "warn,refinery_core=warn").envs(settings.iter().copied());
        Self::of(command).await
    }

    /// How long the shipped binary takes on a store until it serves. It is ended again.
    pub(crate) async fn seconds_to_start(store: &str, cores: Cores) -> anyhow::Result<f64> {
        let began = Instant::now();
        let service = Self::start(store, cores).await?;
        let seconds = began.elapsed().as_secs_f64();
        service.end().await?;
        Ok(seconds)
    }

    /// The echo, which is this program; of a database's users, or of some that it makes up.
    pub(super) async fn echo(cores: Cores, database: Option<&str>) -> anyhow::Result<Self> {
        let mut command = pinned::command(std::env::current_exe()?, cores, Role::Serves);
        command.arg("echo").envs(database.map(|url| (ECHOED_DATABASE, url)));
        Self::of(command).await
    }

    async fn of(mut command: Command) -> anyhow::Result<Self> {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut process = command.spawn().with_context(|| format!("cannot start {command:?}"))?;
        let mut said = BufReader::new(process.stdout.take().context("its output is ours")?).lines();
        let address = timeout(START_MAX, async {
            while let Some(line) = said.next_line().await? {
                if let Some(address) = address_in(&line) {
                    return Ok(address);
                }
            }
            bail!("it ended before it served: {}", process.wait().await?)
        });
        let address = address.await.context("it does not start")??;
        Ok(Self { process, said, address })
    }

    pub(crate) fn pid(&self) -> anyhow::Result<u32> {
        self.process.id().context("the service has ended")
    }

    /// SIGTERM, and wait: what has begun is finished, and the store closed.
    pub(crate) async fn end(mut self) -> anyhow::Result<()> {
        let told = Command::new("kill").args(["-TERM", &self.pid()?.to_string()]).status().await?;
        ensure!(told.success(), "the service cannot be told to end");
        let ended = timeout(END_MAX, async {
            while self.said.next_line().await?.is_some() {}
            anyhow::Ok(self.process.wait().await?)
        });
        ended.await.context("the service does not end")??;
        Ok(())
    }
}

/// `  users       http://127.0.0.1:40001   gRPC, …`
fn address_in(line: &str) -> Option<SocketAddr> {
    let rest = line.trim_start().strip_prefix("users ")?.trim_start().strip_prefix("http://")?;
    rest.split_whitespace().next()?.parse().ok()
}
