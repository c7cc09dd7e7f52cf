//! The bench: scenarios, each a file, measured in turns against what one would do instead.
//!
//! Absolute times mean nothing here; every bar is a ratio of two things measured in the same repetition.

mod run;
mod only;
mod stage;
mod scenarios;
mod scenario;
mod bar;
mod turns;
mod ratio;
mod report;
mod record;
mod chart;
mod machine;
mod contender;
mod workload;
mod load;
mod cost;
mod process;
mod audit;
mod past;
mod postgres;
mod sqlite;
mod service;
mod growth;

use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};

use chart::Chart;
use contender::{CALLER_THREADS, Contender, Place, Subject};
use load::Shape;
use past::Measurement;
use postgres::{Instance, Server};
use run::Run;
use service::{Echo, Generator, Importer};

/// What the product runs with, for every contender.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Debug, Parser)]
#[command(about = "Measures in turns; every bar is a ratio within one repetition")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// All scenarios, or some, and a table of what they came to
    Run(Run),
    /// Charts and tables of a run that was kept with `--json`
    Chart(Chart),
    /// One contender alone, for a profiler
    Alone(Alone),
    /// One measurement on a directory with a past; started by this program
    #[command(hide = true)]
    Past(Measurement),
    /// One of several processes on one database; started by this program
    #[command(hide = true)]
    Instance(Instance),
    /// Whoever calls a service; started by this program
    #[command(hide = true)]
    Call(Generator),
    /// Whoever moves a directory in; started by this program
    #[command(hide = true)]
    Import(Importer),
    /// An echo of the service's messages; started by this program
    #[command(hide = true)]
    Echo(Echo),
}

#[derive(Debug, clap::Args)]
struct Alone {
    /// Its name, as the table shows it
    contender: Contender,

    #[arg(long, default_value_t = 64)]
    callers: usize,

    #[arg(long, default_value_t = 5)]
    seconds: u64,

    /// Threads of the callers' runtime
    #[arg(long, default_value_t = CALLER_THREADS)]
    threads: usize,

    #[command(flatten)]
    server: Server,
}

fn main() -> anyhow::Result<ExitCode> {
    match Arguments::parse().command {
        Command::Run(run) => run.run(),
        Command::Chart(chart) => chart.run(),
        Command::Alone(alone) => alone.run(),
        Command::Past(measurement) => measurement.run(),
        Command::Instance(instance) => instance.run(),
        Command::Call(generator) => generator.run(),
        Command::Import(importer) => importer.run(),
        Command::Echo(echo) => echo.run(),
    }
}

impl Alone {
    fn run(self) -> anyhow::Result<ExitCode> {
        let place = Place::new(self.server)?;
        let shape = Shape {
            callers: self.callers,
            warm_up: Duration::from_secs(1),
            measured: Duration::from_secs(self.seconds),
        };
        let measured = Subject { contender: self.contender, callers: self.callers }.measure(
            &place,
            shape,
            self.threads,
        )?;
        report::print_alone(self.contender, &measured);
        Ok(ExitCode::SUCCESS)
    }
}
