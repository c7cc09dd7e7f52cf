//! `cargo xtask test`: documentation tests, then every other test, on one `PostgreSQL` that lasts as long.
//! With nextest where it is installed (it kills what hangs); stock Cargo does as well.

use std::process::{Command, ExitCode};

use crate::postgres::{Choice, Purpose, Server};
use crate::repository::{cargo, root};
use crate::shell;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Only this crate's tests (may be repeated)
    #[arg(short, long = "package", value_name = "CRATE")]
    packages: Vec<String>,

    /// Build the tests and run none
    #[arg(long)]
    build_only: bool,

    #[command(flatten)]
    postgres: Choice,

    /// For the test runner: a part of a test's name, or its options
    #[arg(last = true)]
    runner: Vec<String>,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    if arguments.build_only {
        shell::run(runner(arguments).arg("--no-run"))?;
        return Ok(ExitCode::SUCCESS);
    }
    let server = Server::provide(&arguments.postgres, Purpose::Tests)?;
    let mut passed = true;
    // The documentation first: the runner's own summary is to be the last thing that is printed.
    for mut command in documentation(arguments).into_iter().chain([runner(arguments)]) {
        server.tell(&mut command);
        passed &= shell::show(&mut command)?.success();
    }
    Ok(if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Nothing when the user asked for tests by name.
fn documentation(arguments: &Arguments) -> Option<Command> {
    let documented = |name: &&String| root().join("crates").join(name).join("src/lib.rs").is_file();
    let packages: Vec<_> = arguments.packages.iter().filter(documented).collect();
    let all = arguments.packages.is_empty();
    if !arguments.runner.is_empty() || (packages.is_empty() && !all) {
        return None;
    }
    let mut command = cargo();
    command.args(["test", "--doc", "--quiet", "--all-features"]);
    select(&mut command, packages.into_iter());
    Some(command)
}

fn runner(arguments: &Arguments) -> Command {
    let mut command = cargo();
    if shell::succeeds(cargo().args(["nextest", "--version"])) {
        command.args(["nextest", "run"]);
    } else {
        command.args(["test", "--tests"]);
    }
    command.arg("--all-features");
    if !arguments.build_only {
        // One failure shall not hide the others.
        command.arg("--no-fail-fast");
    }
    select(&mut command, arguments.packages.iter());
    command.args(&arguments.runner);
    command
}

fn select<'a>(command: &mut Command, packages: impl ExactSizeIterator<Item = &'a String>) {
    if packages.len() == 0 {
        command.arg("--workspace");
    }
    for package in packages {
        command.args(["--package", package]);
    }
}
