//! `cargo xtask test`: documentation tests, then every other test, on one `PostgreSQL` that lasts as long.
//! With nextest where it is installed (it kills what hangs); stock Cargo does as well.

use std::process::{Command, ExitCode};

use crate::postgres::{Choice, Purpose, Server};
use crate::repository::cargo;
use crate::shell;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Only this crate's tests, without those in its documentation (may be repeated)
    #[arg(short, long = "package", value_name = "CRATE")]
    packages: Vec<String>,

    #[command(flatten)]
    postgres: Choice,

    /// For the test runner: a part of a test's name, or its options
    #[arg(last = true)]
    runner: Vec<String>,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let server = Server::provide(&arguments.postgres, Purpose::Tests)?;
    let mut passed = true;
    // The documentation first: the runner's own summary is to be the last thing that is printed.
    for mut command in documentation(arguments).into_iter().chain([runner(arguments)]) {
        server.tell(&mut command);
        passed &= shell::show(&mut command)?.success();
    }
    Ok(if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Nothing when the user asked for some tests.
fn documentation(arguments: &Arguments) -> Option<Command> {
    let all = arguments.packages.is_empty() && arguments.runner.is_empty();
    all.then(|| {
        let mut command = cargo();
        command.args(["test", "--doc", "--quiet", "--all-features", "--workspace"]);
        command
    })
}

fn runner(arguments: &Arguments) -> Command {
    let mut command = cargo();
    if shell::succeeds(cargo().args(["nextest", "--version"])) {
        command.args(["nextest", "run", "--workspace"]);
        // Chosen when they run, not when they are built: built alone, a crate has features of its own, and so has all
        // that it depends on.
        command
            .args(arguments.packages.iter().flat_map(|name| ["-E".to_owned(), format!("package({name})")]));
    } else {
        command.args(["test", "--tests"]);
        if arguments.packages.is_empty() {
            command.arg("--workspace");
        }
        command.args(arguments.packages.iter().flat_map(|name| ["--package", name]));
    }
    // One failure shall not hide the others.
    command.args(["--all-features", "--no-fail-fast"]).args(&arguments.runner);
    command
}
