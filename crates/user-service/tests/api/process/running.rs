//! The binary in a process of its own, with nothing in its environment but what a test gives it.

use std::net::SocketAddr;
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::task::JoinHandle;

use crate::stage::{MASTER_KEY, Place, STARTING, post};

/// What a command said before it ended.
#[derive(Debug)]
pub(crate) struct Said {
    /// `None` when a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs a command to its end.
pub(crate) async fn user_service(arguments: &[&str], environment: &[(&str, &str)]) -> Said {
    let output = start(arguments, environment).await.wait_with_output().await.expect("it ends");
    let text = |bytes| String::from_utf8(bytes).expect("it prints text");
    Said { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// Starts a command.
pub(crate) async fn start(arguments: &[&str], environment: &[(&str, &str)]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_user-service"));
    command.args(arguments).env_clear().envs(environment.iter().copied()).kill_on_drop(true);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let _nobody_opens = STARTING.write().await;
    command.spawn().expect("the binary was built")
}

/// A service that serves.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) operations: SocketAddr,
    /// What it has printed so far.
    pub(crate) announced: String,
    child: Child,
    stdout: Lines<BufReader<ChildStdout>>,
    stderr: JoinHandle<String>,
}

impl Running {
    /// Serves a place with the master key of all tests.
    pub(crate) async fn serve(place: &Place) -> Self {
        Self::serve_with(place, &[], &[("USER_SERVICE_MASTER_KEY", MASTER_KEY)]).await
    }

    /// The same where another has served before.
    pub(crate) async fn serve_at(place: &Place, address: SocketAddr) -> Self {
        let at = [&address.to_string(), "127.0.0.1:0"];
        Self::begin(&place.url(), at, &[], &[("USER_SERVICE_MASTER_KEY", MASTER_KEY)]).await
    }

    /// Starts it, and waits until it says that it listens.
    pub(crate) async fn serve_with(place: &Place, more: &[&str], environment: &[(&str, &str)]) -> Self {
        Self::begin(&place.url(), ["127.0.0.1:0"; 2], more, environment).await
    }

    /// The same where whoever has a way to this machine can reach it.
    pub(crate) async fn serve_anywhere(place: &Place, more: &[&str]) -> Self {
        let key = [("USER_SERVICE_MASTER_KEY", MASTER_KEY)];
        Self::begin(&place.url(), ["0.0.0.0:0"; 2], more, &key).await
    }

    /// The same for a store that is no place of ours.
    pub(crate) async fn serve_url(url: &str, more: &[&str], environment: &[(&str, &str)]) -> Self {
        Self::begin(url, ["127.0.0.1:0"; 2], more, environment).await
    }

    async fn begin(url: &str, at: [&str; 2], more: &[&str], environment: &[(&str, &str)]) -> Self {
        let serve = ["serve", "--store", url, "--grpc-addr", at[0], "--http-addr", at[1]];
        let mut child = start(&[&serve, more].concat(), environment).await;
        let mut stderr = child.stderr.take().expect("it is piped");
        let stderr = tokio::spawn(async move {
            let mut text = String::new();
            stderr.read_to_string(&mut text).await.expect("it prints text");
            text
        });
        let mut stdout = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let mut announced = String::new();
        while !announced.contains("Try:") {
            match stdout.next_line().await.expect("it prints text") {
                Some(line) => announced = announced + &line + "\n",
                None => panic!("it did not start: {}", stderr.await.expect("it was read")),
            }
        }
        let (address, operations) = (door(&announced, "users"), door(&announced, "operations"));
        Self { address, operations, announced, child, stdout, stderr }
    }

    pub(crate) async fn ok(&self, call: &str, request: Value) -> Value {
        let answer = post(self.address, call, &request.to_string()).await;
        assert_eq!(answer.status, 200, "{call} {request} is refused: {}", answer.body);
        answer.body
    }

    /// Told to stop, as a service manager does.
    pub(crate) async fn stop(self) -> Said {
        self.signal(Signal::TERM);
        self.ended().await
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let id = self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        kill_process(id.expect("it runs"), signal).expect("it is ours");
    }

    /// Killed: it does not get to say a word.
    pub(crate) async fn kill(mut self) -> Said {
        self.child.start_kill().expect("it runs");
        self.ended().await
    }

    async fn ended(mut self) -> Said {
        let mut stdout = self.announced;
        while let Some(line) = self.stdout.next_line().await.expect("it prints text") {
            stdout = stdout + &line + "\n";
        }
        let code = self.child.wait().await.expect("it ends").code();
        Said { code, stdout, stderr: self.stderr.await.expect("it was read") }
    }
}

/// Where it says that one of its doors is.
fn door(announced: &str, name: &str) -> SocketAddr {
    let line = announced.lines().find_map(|line| line.trim().strip_prefix(name));
    let url = line.and_then(|rest| rest.split_whitespace().next()).expect("it says where its doors are");
    let (_, address) = url.split_once("://").expect("it is a URL");
    address.parse().expect("it is an address")
}
