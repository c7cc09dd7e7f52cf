//! `cargo xtask bench`: what the product costs beside what one would do instead, in release, on a `PostgreSQL` that is set
//! up to be measured.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::Context;

use crate::postgres::{Choice, Purpose, Server};
use crate::repository::{cargo, root, target_dir};
use crate::shell;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Five minutes for all: shows the shape, decides no bar
    #[arg(long)]
    quick: bool,

    /// Write the bars, and the figures behind them, here as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,

    /// Draw charts of the run into this folder, and make the tables of the document of its name anew: `docs/performance`
    #[arg(long, value_name = "DIR", requires = "json")]
    charts: Option<PathBuf>,

    /// Only these bars: `W1`, `W1-64`, `G2-postgres`, with commas between
    #[arg(long, value_name = "ID,…")]
    only: Option<String>,

    #[command(flatten)]
    postgres: Choice,

    /// For `bench run` itself
    #[arg(last = true)]
    more: Vec<String>,
}

const MANIFEST: [&str; 3] = ["--release", "--manifest-path", "bench/Cargo.toml"];

/// A build folder of theirs inside the bench's own, wherever Cargo is told to put others.
const PEERS: [&str; 5] =
    ["--release", "--manifest-path", "bench/peers/Cargo.toml", "--target-dir", "bench/target/peers"];

const MESSAGE_DB: &str = "@eventide/message-db@1.3.1";

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    // Built before the server starts, which then has the machine to itself.
    shell::run(cargo().args(["build", "--release", "--package", "user-service"]))?;
    shell::run(cargo().arg("build").args(MANIFEST))?;
    shell::run(cargo().arg("build").args(PEERS))?;
    let message_db = message_db();
    let server = Server::provide(&arguments.postgres, Purpose::Benchmark)?;
    let mut command = cargo();
    command.args(["run", "--quiet"]).args(MANIFEST).args(["--", "run"]);
    command.env("USER_SERVICE_PROGRAM", target_dir()?.join("release/user-service"));
    command.env("BENCH_PEERS_PROGRAM", root().join("bench/target/peers/release/peers"));
    if let Some(folder) = message_db {
        command.env("BENCH_MESSAGE_DB", folder);
    }
    if let Some(file) = &arguments.json {
        // The user's own folder, not the workspace's root where Cargo runs.
        command.arg("--json").arg(std::path::absolute(file).context("the path of --json")?);
    }
    if let Some(only) = &arguments.only {
        command.args(["--only", only]);
    }
    if arguments.quick {
        command.arg("--quick");
    }
    server.tell(command.args(&arguments.more));
    let whole = shell::show(&mut command)?.success();
    if let (Some(json), Some(folder)) = (&arguments.json, &arguments.charts) {
        draw(json, folder)?;
    }
    Ok(if whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Also of a run in which a scenario failed: the document says which.
fn draw(json: &Path, folder: &Path) -> anyhow::Result<()> {
    let mut command = cargo();
    command.args(["run", "--quiet"]).args(MANIFEST).args(["--", "chart", "--json"]);
    command.arg(std::path::absolute(json).context("the path of --json")?);
    command.arg("--out").arg(std::path::absolute(folder).context("the path of --charts")?);
    shell::run(&mut command)
}

/// message-db's SQL: this repository holds no copy. Where it cannot be had, the bench goes without and says so.
fn message_db() -> Option<PathBuf> {
    let folder = root().join("bench/target/message-db");
    let sql = folder.join("node_modules/@eventide/message-db/database");
    let mut npm = Command::new("npm");
    npm.args(["install", "--silent", "--no-audit", "--no-fund", "--prefix"]).arg(folder).arg(MESSAGE_DB);
    (sql.is_dir() || shell::run(&mut npm).is_ok()).then_some(sql)
}
