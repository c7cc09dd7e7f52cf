//! The repository's own commands: `cargo xtask --help`. Everything that CI does is one of them.

mod bench;
mod campaign;
mod ci;
mod deny;
mod fuzz;
mod postgres;
mod repository;
mod sessions;
mod shell;
mod test;
mod tidy;

use std::process::ExitCode;

use clap::Parser;

/// The commands of this repository.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask")]
enum Xtask {
    /// Run every test, on a temporary `PostgreSQL`
    Test(test::Arguments),
    /// Everything that CI does, part by part
    Ci(ci::Arguments),
    /// Check licences, banned crates and sources of the dependencies
    Deny,
    /// Try the parsers on random input, for as long as you like
    Fuzz(fuzz::Arguments),
    /// Check the house rules
    Tidy(tidy::Arguments),
    /// Keep a temporary `PostgreSQL` running until ctrl-c
    Postgres(postgres::Stay),
    /// Run a fault campaign, or with --control its counter-proof
    Campaign(campaign::Arguments),
    /// Type what the documents tell a reader to type, and compare what is printed
    Sessions,
    /// Measure what the product costs beside what one would do instead: every bar is a ratio
    Bench(bench::Arguments),
}

fn main() -> ExitCode {
    run(Xtask::parse()).unwrap_or_else(|error| {
        // The chain of causes without a backtrace: these errors are about the machine, not about this program.
        eprintln!("error: {error}");
        error.chain().skip(1).for_each(|cause| eprintln!("  because {cause}"));
        ExitCode::FAILURE
    })
}

fn run(xtask: Xtask) -> anyhow::Result<ExitCode> {
    match xtask {
        Xtask::Test(arguments) => test::run(&arguments),
        Xtask::Ci(arguments) => ci::run(&arguments),
        Xtask::Deny => deny::run(),
        Xtask::Fuzz(arguments) => fuzz::run(&arguments),
        Xtask::Tidy(arguments) => tidy::run(&arguments),
        Xtask::Postgres(stay) => postgres::stay(&stay),
        Xtask::Campaign(arguments) => campaign::run(&arguments),
        Xtask::Sessions => sessions::run(),
        Xtask::Bench(arguments) => bench::run(&arguments),
    }
}
