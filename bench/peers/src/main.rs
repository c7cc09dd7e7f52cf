//! Event-sourcing libraries that people would pick instead, each carrying out the bench's commands in a process of its own.
//!
//! Started by the bench: `peers cqrs-es --callers 64 …`. Says with an empty line that it is ready, waits for a line, and
//! prints what it came to as one line of JSON.

mod user;
mod workload;
mod load;
mod pool;
mod cqrs_es;
mod esrs;

use std::io::Write;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use tokio::runtime::{Builder, Runtime};

use cqrs_es::CqrsEs;
use esrs::Esrs;
use load::{Library, Shape, drive};

/// What the product runs with, for every contender.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Everything but the database's address, which may hold a password.
#[derive(Debug, Parser)]
struct Arguments {
    peer: Peer,
    #[arg(long, env = "BENCH_PEERS_URL", hide_env_values = true)]
    url: String,
    #[arg(long)]
    callers: usize,
    #[arg(long)]
    warm_up_millis: u64,
    #[arg(long)]
    measured_millis: u64,
    /// Threads of the callers' runtime: one, as every contender of the bench has; the variable is there to compare
    #[arg(long, env = "BENCH_PEERS_THREADS", default_value_t = 1)]
    threads: usize,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Peer {
    CqrsEs,
    Esrs,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    runtime(arguments.threads)?.block_on(async {
        let pool = pool::filled(&arguments.url, arguments.callers).await?;
        match arguments.peer {
            Peer::CqrsEs => arguments.answer(CqrsEs::on(pool).await?).await,
            Peer::Esrs => arguments.answer(Esrs::on(pool).await?).await,
        }
    })
}

fn runtime(threads: usize) -> std::io::Result<Runtime> {
    let mut builder = if threads == 1 { Builder::new_current_thread() } else { Builder::new_multi_thread() };
    if threads > 1 {
        builder.worker_threads(threads);
    }
    builder.enable_all().build()
}

impl Arguments {
    /// The protocol.
    async fn answer(&self, library: impl Library) -> anyhow::Result<()> {
        println!();
        std::io::stdout().flush()?;
        std::io::stdin().read_line(&mut String::new())?;
        let shape = Shape {
            callers: self.callers,
            warm_up: Duration::from_millis(self.warm_up_millis),
            measured: Duration::from_millis(self.measured_millis),
        };
        println!("{}", serde_json::to_string(&drive(library, shape).await?)?);
        Ok(())
    }
}
