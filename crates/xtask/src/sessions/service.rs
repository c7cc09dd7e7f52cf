//! A service for one document: a folder and ports of its own, ended with the document.

use std::io::{BufRead, BufReader, Lines};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use anyhow::{Context, bail};

use crate::shell;

/// A running `user-service` on an embedded store. Dropping it ends it and deletes what it kept.
#[derive(Debug)]
pub(super) struct Service {
    child: Child,
    /// Where it was started: its data lies in `data`.
    pub(super) folder: PathBuf,
    /// host:port for callers.
    pub(super) users: String,
    /// host:port for operators.
    pub(super) operations: String,
}

impl Service {
    /// Returns when it serves.
    pub(super) fn start(program: &Path) -> anyhow::Result<Self> {
        let folder = PathBuf::from(shell::output(Command::new("mktemp").arg("-d"))?.trim_end());
        let mut command = Command::new(program);
        command.args(["serve", "--grpc-addr", "127.0.0.1:0", "--http-addr", "127.0.0.1:0"]);
        command.current_dir(&folder).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().with_context(|| format!("cannot start {}", program.display()))?;
        let printed = child.stdout.take().context("the output was asked for")?;
        let (users, operations) = (String::new(), String::new());
        let mut service = Self { child, folder, users, operations };
        let mut greeting = BufReader::new(printed).lines();
        service.users = address(&mut greeting, "users")?;
        service.operations = address(&mut greeting, "operations")?;
        // The rest is read so that the service never waits for us.
        std::thread::spawn(move || greeting.for_each(drop));
        Ok(service)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// The greeting says `users  http://127.0.0.1:9090  gRPC, …`.
fn address(greeting: &mut Lines<BufReader<ChildStdout>>, of: &str) -> anyhow::Result<String> {
    for line in greeting.map_while(Result::ok) {
        let mut words = line.split_whitespace();
        if words.next() == Some(of) {
            let url = words.next().and_then(|url| url.strip_prefix("http://"));
            return url.map(str::to_owned).with_context(|| format!("what address is this? {line}"));
        }
    }
    bail!("the service ended before it said where its {of} are")
}
