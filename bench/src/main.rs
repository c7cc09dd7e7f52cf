//! The bench: scenarios, each a file, measured in turns against what one would do instead.
//!
//! Absolute times mean nothing here; every bar is a ratio of two things measured in the same repetition.

mod scenarios;
mod scenario;
mod turns;
mod ratio;
mod report;
mod contender;
mod workload;
mod load;
mod audit;
mod past;
mod history;
mod postgres;
mod sqlite;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};

use contender::{CALLER_THREADS, Contender, Place, Subject};
use history::History;
use load::Shape;
use past::Measurement;
use postgres::{Instance, Server};
use turns::Effort;

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
    /// The append, ingredient by ingredient, against raw inserts and the predecessor's design
    Append(Append),
    /// One contender alone, for a profiler
    Alone(Alone),
    /// A directory with a long past: its projections, its past moments, exports and feeds
    History(History),
    /// One measurement on a directory with a past; started by this program
    #[command(hide = true)]
    Past(Measurement),
    /// One of several processes on one database; started by this program
    #[command(hide = true)]
    Instance(Instance),
}

#[derive(Debug, clap::Args)]
struct Append {
    /// Write the bars here as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,

    /// Fewer and shorter rounds: shows the shape, decides no bar
    #[arg(long)]
    quick: bool,

    /// How often each contender has its turn
    #[arg(long, value_name = "N")]
    repetitions: Option<usize>,

    /// Only scenarios whose name contains this
    #[arg(long, value_name = "NAME")]
    only: Option<String>,

    #[command(flatten)]
    server: Server,
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
        Command::Append(append) => append.run(),
        Command::Alone(alone) => alone.run(),
        Command::History(history) => history.run(),
        Command::Past(measurement) => measurement.run(),
        Command::Instance(instance) => instance.run(),
    }
}

impl Append {
    fn run(self) -> anyhow::Result<ExitCode> {
        let mut effort = if self.quick { Effort::quick() } else { Effort::full() };
        effort.repetitions = self.repetitions.unwrap_or(effort.repetitions);
        let place = Place::new(self.server)?;
        let mut judged = Vec::new();
        for scenario in scenarios::append(self.quick) {
            if self.only.as_ref().is_none_or(|part| scenario.name.contains(part.as_str())) {
                let figures = turns::take(&scenario, effort, &place)?;
                report::print_figures(&scenario, &figures);
                judged.extend(scenario.judge(&figures)?);
            }
        }
        report::print_bars(&judged);
        if let Some(file) = &self.json {
            report::write_bars(file, &judged)?;
        }
        // A bar that is missed is shown, and is no failure of the program: who asks decides what it means.
        Ok(ExitCode::SUCCESS)
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
