//! A service for one document: a folder and ports of its own, ended with the document. It can be started again as the document
//! says, on the data that it has.

use std::io::{BufRead, BufReader, Lines};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use anyhow::{Context, bail};

use crate::shell;

/// A running `user-service` on an embedded store. Dropping it ends it and deletes what it kept.
#[derive(Debug)]
pub(super) struct Service {
    child: Child,
    program: PathBuf,
    /// Where it was started: its data lies in `data`.
    pub(super) folder: PathBuf,
    /// What callers speak: http, or https.
    pub(super) scheme: String,
    /// host:port for callers.
    pub(super) users: String,
    /// host:port for operators.
    pub(super) operations: String,
}

impl Service {
    /// Returns when it serves.
    pub(super) fn start(program: &Path) -> anyhow::Result<Self> {
        let folder = PathBuf::from(shell::output(Command::new("mktemp").arg("-d"))?.trim_end());
        let child = spawn(program, &folder, &[])?;
        let (scheme, users, operations) = (String::new(), String::new(), String::new());
        let mut service = Self { child, program: program.to_owned(), folder, scheme, users, operations };
        service.greets()?;
        Ok(service)
    }

    /// The same with other settings, on the same data.
    pub(super) fn start_again(&mut self, arguments: &[&str]) -> anyhow::Result<()> {
        self.end();
        self.child = spawn(&self.program, &self.folder, arguments)?;
        self.greets()
    }

    /// It says where it is.
    fn greets(&mut self) -> anyhow::Result<()> {
        let printed = self.child.stdout.take().context("the output was asked for")?;
        let mut greeting = BufReader::new(printed).lines();
        (self.scheme, self.users) = address(&mut greeting, "users")?;
        (_, self.operations) = address(&mut greeting, "operations")?;
        // The rest is read so that the service never waits for us.
        std::thread::spawn(move || greeting.for_each(drop));
        Ok(())
    }

    fn end(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(program: &Path, folder: &Path, arguments: &[&str]) -> anyhow::Result<Child> {
    let mut command = Command::new(program);
    command.args(["serve", "--grpc-addr", "127.0.0.1:0", "--http-addr", "127.0.0.1:0"]).args(arguments);
    command.current_dir(folder).stdout(Stdio::piped()).stderr(Stdio::null());
    command.spawn().with_context(|| format!("cannot start {}", program.display()))
}

impl Drop for Service {
    fn drop(&mut self) {
        self.end();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// The greeting says `users  http://127.0.0.1:9090  gRPC, …`: the scheme, and where.
fn address(greeting: &mut Lines<BufReader<ChildStdout>>, of: &str) -> anyhow::Result<(String, String)> {
    for line in greeting.map_while(Result::ok) {
        let mut words = line.split_whitespace();
        if words.next() == Some(of) {
            let url = words.next().and_then(|url| url.split_once("://"));
            let url = url.map(|(scheme, address)| (scheme.to_owned(), address.to_owned()));
            return url.with_context(|| format!("what address is this? {line}"));
        }
    }
    bail!("the service ended before it said where its {of} are")
}
