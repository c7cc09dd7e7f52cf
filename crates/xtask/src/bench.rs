//! `cargo xtask bench`: scenarios of the bench workspace in release, on a `PostgreSQL` that is set up to be measured.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;

use crate::postgres::{Choice, Purpose, Server};
use crate::repository::cargo;
use crate::shell;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    scenario: Scenario,
}

#[derive(Debug, clap::Subcommand)]
enum Scenario {
    /// The append, ingredient by ingredient, against raw inserts and the predecessor's design
    Append(Scenarios),
    /// A directory with a long past: its projections, its past moments, exports and feeds, on both stores
    History(Scenarios),
}

#[derive(Debug, clap::Args)]
struct Scenarios {
    /// Write the bars here as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,

    /// Fewer and shorter rounds: shows the shape, decides no bar
    #[arg(long)]
    quick: bool,

    #[command(flatten)]
    postgres: Choice,

    /// For the scenario itself
    #[arg(last = true)]
    more: Vec<String>,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    match &arguments.scenario {
        Scenario::Append(scenarios) => run_scenarios("append", scenarios),
        Scenario::History(scenarios) => run_scenarios("history", scenarios),
    }
}

fn run_scenarios(name: &str, scenarios: &Scenarios) -> anyhow::Result<ExitCode> {
    // Built before the server starts, which then has the machine to itself.
    shell::run(cargo().args(["build", "--release", "--manifest-path", "bench/Cargo.toml"]))?;
    let server = Server::provide(&scenarios.postgres, Purpose::Benchmark)?;
    let mut command = cargo();
    command.args(["run", "--quiet", "--release", "--manifest-path", "bench/Cargo.toml", "--", name]);
    if let Some(file) = &scenarios.json {
        // The user's own folder, not the workspace's root where Cargo runs.
        command.arg("--json").arg(std::path::absolute(file).context("the path of --json")?);
    }
    if scenarios.quick {
        command.arg("--quick");
    }
    server.tell(command.args(&scenarios.more));
    Ok(if shell::show(&mut command)?.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
