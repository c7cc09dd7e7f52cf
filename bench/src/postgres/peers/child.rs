//! A peer in a process of its own: the program `peers`, which says that it is ready, waits for the word, and prints what it
//! came to. What it used is gauged from here.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Instant;

use anyhow::{Context, ensure};
use serde::Deserialize;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use super::Peer;
use crate::cost::Gauge;
use crate::load::{Measured, Shape, ratio};
use crate::postgres::database::Database;

/// Where the program is: `cargo xtask bench` builds it and sets this.
const PROGRAM_VARIABLE: &str = "BENCH_PEERS_PROGRAM";

/// The database's address, which may hold a password.
const URL_VARIABLE: &str = "BENCH_PEERS_URL";

/// What it prints in the end.
#[derive(Debug, Deserialize)]
struct Said {
    accepted: u64,
    answered: u64,
    p50_micros: u64,
    p99_micros: u64,
}

pub(super) async fn measure(peer: Peer, database: &Database, shape: Shape) -> anyhow::Result<Measured> {
    let mut child = start(peer, database, shape)?;
    let mut output = BufReader::new(child.stdout.take().context("it has an output")?).lines();
    line(&mut output).await?;
    let gauge = Gauge::with_database(child.id().context("it has ended")?, &database.url).await?;
    let from = Instant::now() + shape.warm_up;
    child.stdin.as_mut().context("it has an input")?.write_all(b"\n").await?;
    let gauged = tokio::spawn(gauge.between(from, from + shape.measured));
    let said: Said = serde_json::from_str(&line(&mut output).await?)?;
    ensure!(child.wait().await?.success(), "it failed");
    Ok(Measured {
        rate: ratio(said.answered, 1) / shape.measured.as_secs_f64(),
        p50_micros: said.p50_micros,
        p99_micros: said.p99_micros,
        accepted: said.accepted,
        refused: 0.0,
        batch: None,
        evenness: 1.0,
        cost: gauged.await??,
        answered: said.answered,
        beside: None,
    })
}

fn start(peer: Peer, database: &Database, shape: Shape) -> anyhow::Result<Child> {
    let program = std::env::var_os(PROGRAM_VARIABLE);
    let program = PathBuf::from(program.with_context(|| format!("{PROGRAM_VARIABLE} names no program"))?);
    let mut command = Command::new(&program);
    command.arg(peer.name()).env(URL_VARIABLE, &database.url);
    let numbers = [
        ("--callers", shape.callers.to_string()),
        ("--warm-up-millis", shape.warm_up.as_millis().to_string()),
        ("--measured-millis", shape.measured.as_millis().to_string()),
    ];
    for (name, value) in numbers {
        command.args([name, &value]);
    }
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
    piped.spawn().with_context(|| format!("cannot start {}", program.display()))
}

async fn line(output: &mut Lines<BufReader<ChildStdout>>) -> anyhow::Result<String> {
    output.next_line().await?.context("it ended before it was done")
}
