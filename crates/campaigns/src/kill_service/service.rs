//! The service as a process of its own: started, found by the address that it prints, and killed without warning.

use std::fs::OpenOptions;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

use super::Control;
use crate::ground::Ground;
use crate::instance::MASTER_KEY;

/// The name under which we are told where the shipped binary is; beside us without it.
const PROGRAM_VARIABLE: &str = "USER_SERVICE_PROGRAM";

/// A start takes a second; on a machine with much else to do, some more.
const START_MAX: Duration = Duration::from_mins(1);

/// Which program serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Program {
    /// `user-service serve`, as it is shipped.
    Shipped,
    /// `campaigns child`: the same service put together here, under a control or under none.
    Child(Option<Control>),
}

/// A process that serves, or is about to. It is killed when the value is dropped.
#[derive(Debug)]
pub(super) struct Service {
    process: Child,
    said: Lines<BufReader<ChildStdout>>,
}

impl Service {
    pub(super) fn spawn(program: Program, ground: &Ground) -> anyhow::Result<Self> {
        let log = OpenOptions::new().create(true).append(true).open(ground.folder().join("service.log"))?;
        let mut command = match program {
            Program::Shipped => {
                shipped(&["serve", "--grpc-addr", "127.0.0.1:0", "--http-addr", "127.0.0.1:0"])?
            }
            Program::Child(control) => child(control)?,
        };
        // A child of ours ends when its standard input does, so also when we are killed.
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log).kill_on_drop(true);
        settings(&mut command, ground);
        let mut process = command.spawn().with_context(|| format!("cannot start {command:?}"))?;
        let stdout = process.stdout.take().context("its output is ours")?;
        Ok(Self { process, said: BufReader::new(stdout).lines() })
    }

    /// Where it serves, once it does.
    pub(super) async fn address(&mut self) -> anyhow::Result<SocketAddr> {
        let address = timeout(START_MAX, async {
            while let Some(line) = self.said.next_line().await? {
                if let Some(address) = address_in(&line) {
                    return Ok(address);
                }
            }
            bail!("the service ended before it served: {}", self.process.wait().await?)
        });
        address.await.context("the service does not start")?
    }

    /// SIGKILL: it has no say in it. Returns when the process is gone.
    pub(super) async fn kill(mut self) -> anyhow::Result<()> {
        self.process.kill().await.context("the service cannot be killed")
    }
}

/// The shipped doctor's exit code, on a store that nobody serves.
pub(super) async fn shipped_doctor(ground: &Ground) -> anyhow::Result<(bool, String)> {
    let mut command = shipped(&["doctor"])?;
    settings(&mut command, ground);
    let output = command.stdin(Stdio::null()).output().await?;
    let text = [output.stdout, output.stderr].concat();
    Ok((output.status.success(), String::from_utf8_lossy(&text).trim().to_owned()))
}

/// The store and its key, by the environment: every process of the machine can read a command line.
fn settings(command: &mut Command, ground: &Ground) {
    command.env("USER_SERVICE_STORE", &ground.url).env("USER_SERVICE_MASTER_KEY", MASTER_KEY);
    command.env("USER_SERVICE_LOG", "warn,refinery_core=warn");
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

fn child(control: Option<Control>) -> anyhow::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("child");
    match control {
        Some(Control::AcknowledgeBeforeCommit) => command.args(["--control", "acknowledge-before-commit"]),
        None => &mut command,
    };
    Ok(command)
}

/// `  users       http://127.0.0.1:40001   gRPC, …`
fn address_in(line: &str) -> Option<SocketAddr> {
    let rest = line.trim_start().strip_prefix("users ")?.trim_start().strip_prefix("http://")?;
    rest.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_read_where_it_is_printed() {
        let line = "  users       http://127.0.0.1:40001   gRPC, gRPC-Web and JSON, with reflection";
        assert_eq!(address_in(line), "127.0.0.1:40001".parse().ok());
        assert_eq!(address_in("  operations  http://127.0.0.1:40002   /healthz, /readyz"), None);
        assert_eq!(address_in("  users       soon"), None);
    }
}
