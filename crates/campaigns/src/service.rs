//! The service as a process of its own: started, found by the address that it prints, and killed without warning.

use std::fs::OpenOptions;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::{sleep, timeout};

use crate::child::Adapter;
use crate::ground::Ground;
use crate::instance::MASTER_KEY;
use crate::shim::Environment;

/// The name under which we are told where the shipped binary is; beside us without it.
const PROGRAM_VARIABLE: &str = "USER_SERVICE_PROGRAM";

/// A start takes a second; on a machine with much else to do, some more.
const START_MAX: Duration = Duration::from_mins(1);

/// What has begun is finished within ten seconds, or cut.
const END_MAX: Duration = Duration::from_secs(20);

/// A stop is asked for, and each thread heeds it when it next leaves the system.
const BETWEEN_LOOKS: Duration = Duration::from_millis(1);
const LOOKS_MAX: u32 = 5_000;

/// How long the work of a killed process lies, at most. As short as it can be: a campaign waits for it.
pub(crate) const LEASE: Duration = Duration::from_secs(1);

/// What the shipped binary is told.
const SERVE: [&str; 5] = ["serve", "--grpc-addr", "127.0.0.1:0", "--http-addr", "127.0.0.1:0"];

/// Which program serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    /// `user-service serve`, as it is shipped.
    Shipped,
    /// The same, told to accept a store that may lose what it has acknowledged.
    ShippedWeakened,
    /// `campaigns child`: the same service put together here, with an adapter before its store or with none.
    Child(Option<Adapter>),
}

/// A process that serves, or is about to. It is killed when the value is dropped.
#[derive(Debug)]
pub(crate) struct Service {
    process: Child,
    said: Lines<BufReader<ChildStdout>>,
}

impl Service {
    pub(crate) fn spawn(program: Program, ground: &Ground) -> anyhow::Result<Self> {
        Self::spawn_under(program, ground, Environment::new())
    }

    /// With something around it.
    pub(crate) fn spawn_under(
        program: Program,
        ground: &Ground,
        environment: Environment,
    ) -> anyhow::Result<Self> {
        let log = OpenOptions::new().create(true).append(true).open(ground.folder().join("service.log"))?;
        let mut command = match program {
            Program::Shipped => shipped(&SERVE)?,
            Program::ShippedWeakened => {
                let mut command = shipped(&SERVE)?;
                command.arg("--accept-weak-durability");
                command
            }
            Program::Child(adapter) => child(adapter)?,
        };
        // A child of ours ends when its standard input does, so also when we are killed.
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log).kill_on_drop(true);
        settings(&mut command, ground);
        command.envs(environment);
        let mut process = command.spawn().with_context(|| format!("cannot start {command:?}"))?;
        let stdout = process.stdout.take().context("its output is ours")?;
        Ok(Self { process, said: BufReader::new(stdout).lines() })
    }

    /// Where it serves, once it does.
    pub(crate) async fn address(&mut self) -> anyhow::Result<SocketAddr> {
        self.door("users ").await
    }

    /// Where whoever runs it looks at it. It says that after the other.
    pub(crate) async fn operations(&mut self) -> anyhow::Result<SocketAddr> {
        self.door("operations ").await
    }

    async fn door(&mut self, name: &str) -> anyhow::Result<SocketAddr> {
        let address = timeout(START_MAX, async {
            while let Some(line) = self.said.next_line().await? {
                if let Some(address) = address_in(&line, name) {
                    return Ok(address);
                }
            }
            bail!("the service ended before it served: {}", self.process.wait().await?)
        });
        address.await.context("the service does not start")?
    }

    /// As it calls itself where it owns something.
    pub(crate) fn pid(&self) -> Option<u32> {
        self.process.id()
    }

    /// SIGSTOP: it sleeps, whatever it is doing. Returns when none of its threads runs any more.
    pub(crate) async fn stop(&self) -> anyhow::Result<()> {
        self.signal("-STOP").await?;
        let tasks = format!("/proc/{}/task", self.process.id().context("the service has ended")?);
        for _ in 0..LOOKS_MAX {
            if sleeps(Path::new(&tasks))? {
                return Ok(());
            }
            sleep(BETWEEN_LOOKS).await;
        }
        bail!("the service does not stop")
    }

    /// SIGCONT: it goes on as if nothing had been.
    pub(crate) async fn go_on(&self) -> anyhow::Result<()> {
        self.signal("-CONT").await
    }

    async fn signal(&self, signal: &str) -> anyhow::Result<()> {
        let pid = self.process.id().context("the service has ended")?.to_string();
        let sent = Command::new("kill").args([signal, &pid]).status().await?;
        anyhow::ensure!(sent.success(), "{signal} cannot be sent");
        Ok(())
    }

    /// SIGTERM: it finishes what has begun. How it ended, if it did, and how long it took.
    pub(crate) async fn end(mut self) -> anyhow::Result<(Option<ExitStatus>, Duration)> {
        let began = Instant::now();
        self.signal("-TERM").await?;
        let ended = timeout(END_MAX, self.process.wait()).await;
        Ok((ended.ok().transpose()?, began.elapsed()))
    }

    /// SIGKILL: it has no say in it. Returns when the process is gone.
    pub(crate) async fn kill(mut self) -> anyhow::Result<()> {
        self.process.kill().await.context("the service cannot be killed")
    }
}

/// Whether all is well by the shipped doctor, and what she says.
pub(crate) async fn shipped_doctor(ground: &Ground, more: &[&str]) -> anyhow::Result<(bool, String)> {
    shipped_says(ground, &[&["doctor"], more].concat()).await
}

/// Has whoever is on a list erased again, as whoever has put a backup back does; and whether all is well then.
pub(crate) async fn shipped_restore(ground: &Ground, list: &Path) -> anyhow::Result<(bool, String)> {
    shipped_says(ground, &["restore", "--erasure-list", &list.display().to_string()]).await
}

async fn shipped_says(ground: &Ground, arguments: &[&str]) -> anyhow::Result<(bool, String)> {
    let mut command = shipped(arguments)?;
    settings(&mut command, ground);
    let output = command.stdin(Stdio::null()).output().await?;
    let text = [output.stdout, output.stderr].concat();
    Ok((output.status.success(), String::from_utf8_lossy(&text).trim().to_owned()))
}

/// Tells a service that its clock is right, as whoever runs it does.
pub(crate) async fn accept_clock(ground: &Ground, socket: &Path) -> anyhow::Result<()> {
    let mut command = shipped(&["accept-clock"])?;
    settings(&mut command, ground);
    let told = command.env("USER_SERVICE_ADMIN_SOCKET", socket).stdin(Stdio::null()).output().await?;
    anyhow::ensure!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    Ok(())
}

/// The store and its key, by the environment: every process of the machine can read a command line.
fn settings(command: &mut Command, ground: &Ground) {
    command.env("USER_SERVICE_STORE", &ground.url).env("USER_SERVICE_MASTER_KEY", MASTER_KEY);
    command.env("USER_SERVICE_LOG", "warn,refinery_core=warn");
    command.env("USER_SERVICE_PROJECTION_LEASE_SECONDS", LEASE.as_secs().to_string());
}

fn shipped(arguments: &[&str]) -> anyhow::Result<Command> {
    let program = match std::env::var_os(PROGRAM_VARIABLE) {
        Some(program) => PathBuf::from(program),
        None => std::env::current_exe()?.with_file_name("user-service"),
    };
    if !program.exists() {
        bail!("{} is missing: build user-service, or use `cargo xtask campaign`", program.display());
    }
    let mut command = Command::new(program);
    command.args(arguments);
    Ok(command)
}

fn child(adapter: Option<Adapter>) -> anyhow::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("child");
    match adapter {
        Some(Adapter::AcknowledgeBeforeCommit) => command.args(["--adapter", "acknowledge-before-commit"]),
        Some(Adapter::NoFence) => command.args(["--adapter", "no-fence"]),
        Some(Adapter::CallUnknownsFailures) => command.args(["--adapter", "call-unknowns-failures"]),
        Some(Adapter::SynchronousNormal) => command.args(["--adapter", "synchronous-normal"]),
        None => &mut command,
    };
    Ok(command)
}

/// Whether every thread is stopped, or waits for a device, which it leaves only to be stopped.
fn sleeps(tasks: &Path) -> anyhow::Result<bool> {
    let mut stopped = false;
    for task in tasks.read_dir()? {
        // A thread may just have ended.
        let Ok(line) = std::fs::read_to_string(task?.path().join("stat")) else { return Ok(false) };
        // The state stands after the name, which is in brackets and may hold anything.
        match line.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next()) {
            Some('T') => stopped = true,
            Some('D') => {}
            _ => return Ok(false),
        }
    }
    Ok(stopped)
}

/// `  users       http://127.0.0.1:40001   gRPC, …`
fn address_in(line: &str, door: &str) -> Option<SocketAddr> {
    let rest = line.trim_start().strip_prefix(door)?.trim_start().strip_prefix("http://")?;
    rest.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_read_where_it_is_printed() {
        let line = "  users       http://127.0.0.1:40001   gRPC, gRPC-Web and JSON, with reflection";
        assert_eq!(address_in(line, "users "), "127.0.0.1:40001".parse().ok());
        let other = "  operations  http://127.0.0.1:40002   /healthz, /readyz";
        assert_eq!(address_in(other, "users "), None);
        assert_eq!(address_in(other, "operations "), "127.0.0.1:40002".parse().ok());
        assert_eq!(address_in("  users       soon", "users "), None);
    }
}
