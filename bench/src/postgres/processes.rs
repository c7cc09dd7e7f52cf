//! Our store in several processes on one database: this program, started again, each with its share of the callers.

use std::io::{BufRead, Write};
use std::process::{ExitCode, Stdio};
use std::time::Duration;

use anyhow::{Context, ensure};
use eventstore::EventStore;
use eventstore_postgres::Store;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};

use super::database::{Database, options};
use super::ours::Ours;
use super::server::Server;
use crate::audit;
use crate::contender::{CALLER_THREADS, on};
use crate::cost::{Cost, Gauge};
use crate::load::{Measured, Shape, drive, ratio};
use crate::process;
use crate::workload::{Mix, Rung, callers};

/// What an instance is told: everything but the database's address, which may hold a password.
#[derive(Debug, clap::Args)]
pub(crate) struct Instance {
    #[arg(long, env = URL_VARIABLE, hide_env_values = true)]
    url: String,
    #[arg(long)]
    first: usize,
    #[arg(long)]
    callers: usize,
    #[arg(long)]
    warm_up_millis: u64,
    #[arg(long)]
    measured_millis: u64,
}

const URL_VARIABLE: &str = "BENCH_INSTANCE_URL";

impl Instance {
    /// Opens the store, says so, waits for the word, and prints what it measured.
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        on(CALLER_THREADS)?.block_on(async {
            let store = Store::open(options(&self.url, Rung::Row)).await?;
            println!();
            std::io::stdout().flush()?;
            std::io::stdin().lock().read_line(&mut String::new())?;
            let shape = Shape {
                callers: self.callers,
                warm_up: Duration::from_millis(self.warm_up_millis),
                measured: Duration::from_millis(self.measured_millis),
            };
            let callers = callers(self.first, self.callers, Rung::Row, Mix::ALL_ACCEPTED);
            let gauge = Gauge::with_database(process::own(), &self.url).await?;
            let (ours, measured) = drive(Ours(store), callers, shape, gauge).await?;
            ours.0.close().await;
            println!("{}", serde_json::to_string(&measured)?);
            Ok(ExitCode::SUCCESS)
        })
    }
}

pub(crate) async fn measure_processes(
    server: &Server,
    count: usize,
    shape: Shape,
) -> anyhow::Result<Measured> {
    ensure!(shape.callers.is_multiple_of(count), "{count} processes cannot share {} callers", shape.callers);
    let database = Database::fresh(server, Rung::Row).await?;
    let mut instances = Vec::new();
    for n in 0..count {
        instances.push(start(&database.url, n * shape.callers / count, shape.callers / count, shape)?);
    }
    for instance in &mut instances {
        let mut ready = [0];
        instance.stdout.as_mut().context("it has an output")?.read_exact(&mut ready).await?;
    }
    for instance in &mut instances {
        instance.stdin.as_mut().context("it has an input")?.write_all(b"\n").await?;
    }
    let mut shares = Vec::new();
    for instance in instances {
        shares.push(result(instance).await?);
    }
    let measured = together(&shares)?;
    let batch = Some(database.audit(measured.accepted, &audit::ORDER, &audit::contents(Rung::Row)).await?);
    database.drop().await?;
    Ok(Measured { batch, ..measured })
}

fn start(url: &str, first: usize, callers: usize, shape: Shape) -> anyhow::Result<Child> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("instance").env(URL_VARIABLE, url);
    let numbers = [
        ("--first", first.to_string()),
        ("--callers", callers.to_string()),
        ("--warm-up-millis", shape.warm_up.as_millis().to_string()),
        ("--measured-millis", shape.measured.as_millis().to_string()),
    ];
    for (name, value) in numbers {
        command.args([name, &value]);
    }
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
    piped.spawn().context("cannot start another of this program")
}

async fn result(mut instance: Child) -> anyhow::Result<Measured> {
    let output = instance.stdout.take().context("it has an output")?;
    let mut line = String::new();
    BufReader::new(output).read_line(&mut line).await?;
    ensure!(instance.wait().await?.success(), "an instance failed");
    Ok(serde_json::from_str(&line)?)
}

/// Rates add up. Of the latencies the worst is told.
fn together(shares: &[Measured]) -> anyhow::Result<Measured> {
    let rates = || shares.iter().map(|share| share.rate);
    let worst = |of: fn(&Measured) -> u64| shares.iter().map(of).max().context("there is an instance");
    Ok(Measured {
        rate: rates().sum(),
        p50_micros: worst(|share| share.p50_micros)?,
        p99_micros: worst(|share| share.p99_micros)?,
        accepted: shares.iter().map(|share| share.accepted).sum(),
        refused: 0.0,
        batch: None,
        evenness: rates().fold(f64::INFINITY, f64::min) / rates().fold(ratio(0, 1), f64::max),
        cost: costs(shares),
        answered: shares.iter().map(|share| share.answered).sum(),
        beside: None,
    })
}

/// Each has used its own processor time, and seen what the one database used for all.
fn costs(shares: &[Measured]) -> Cost {
    let costs = || shares.iter().map(|share| share.cost);
    Cost {
        service_seconds: costs().map(|cost| cost.service_seconds).sum(),
        database_seconds: costs().map(|cost| cost.database_seconds).fold(0.0, f64::max),
        written_bytes: costs().map(|cost| cost.written_bytes).max().unwrap_or(0),
    }
}
