//! The repository's own commands: `cargo xtask --help`. Everything that CI does is one of them.

mod bench;
mod campaign;
mod postgres;
mod repository;
mod shell;
mod test;

use std::process::ExitCode;

use clap::Parser;

/// The commands of this repository.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask")]
enum Xtask {
    /// Run every test, on a temporary `PostgreSQL`
    Test(test::Arguments),
    /// Keep a temporary `PostgreSQL` running until ctrl-c
    Postgres(postgres::Choice),
    /// Run a fault campaign, or with --control its counter-proof
    Campaign(campaign::Arguments),
    /// Measure a scenario of the bench workspace, in release
    Bench(bench::Arguments),
}

fn main() -> anyhow::Result<ExitCode> {
    match Xtask::parse() {
        Xtask::Test(arguments) => test::run(&arguments),
        Xtask::Postgres(choice) => postgres::stay(&choice),
        Xtask::Campaign(arguments) => campaign::run(&arguments),
        Xtask::Bench(arguments) => bench::run(&arguments),
    }
}
