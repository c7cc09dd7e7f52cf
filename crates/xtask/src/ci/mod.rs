//! `cargo xtask ci`: all that CI does, so that nothing is checked only there. Every part runs, whatever failed
//! before it; the last line is the count of tests in the form that CI systems look for.

mod count;
mod part;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::bail;

use crate::campaign::BUILT;
use count::Count;
use part::Part;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Only parts whose name contains one of these
    parts: Vec<String>,

    /// Show the parts and their time budgets
    #[arg(long)]
    list: bool,
}

/// What became of one part.
struct Outcome {
    name: String,
    budget: Duration,
    took: Duration,
    passed: bool,
    last_lines: Vec<u8>,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let chosen = |part: &Part| {
        arguments.parts.is_empty() || arguments.parts.iter().any(|name| part.name.contains(name))
    };
    let parts: Vec<Part> = part::all()?.into_iter().filter(chosen).collect();
    if parts.is_empty() {
        bail!("no part is called that; see `cargo xtask ci --list`");
    }
    if arguments.list {
        for part in &parts {
            println!("{:<48} {}", part.name, minutes(part.budget));
        }
        return Ok(ExitCode::SUCCESS);
    }
    let mut count = Count::default();
    let mut outcomes = Vec::new();
    for mut part in parts {
        if arguments.parts.is_empty() {
            part.command.env(BUILT, "1");
        }
        outcomes.push(run_part(part, &mut count)?);
    }
    for outcome in outcomes.iter().filter(|outcome| !outcome.passed) {
        // Whoever reads the end of a long log finds here what failed.
        println!("\n==== {}: FAILED, its last lines again", outcome.name);
        print!("{}", String::from_utf8_lossy(&outcome.last_lines));
    }
    print_table(&outcomes);
    println!("{count}");
    let passed = outcomes.iter().all(|outcome| outcome.passed);
    Ok(if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn run_part(mut part: Part, count: &mut Count) -> anyhow::Result<Outcome> {
    println!("\n==== {} ====", part.name);
    let start = Instant::now();
    let (status, last_lines) = count.watch(&mut part.command)?;
    let passed = status.code() == Some(part.expected);
    if !passed {
        println!("==== {}: FAILED ({status}, expected exit code {})", part.name, part.expected);
    }
    Ok(Outcome { name: part.name, budget: part.budget, took: start.elapsed(), passed, last_lines })
}

fn print_table(outcomes: &[Outcome]) {
    println!("\n{:<48} {:>8} {:>8}", "part", "budget", "took");
    for Outcome { name, budget, took, passed, .. } in outcomes {
        // Over budget is for people to see: a slow machine is not a broken program.
        let verdict = if *passed { "" } else { "  FAILED" };
        let late = if took > budget { "  over budget" } else { "" };
        println!("{name:<48} {:>8} {:>8}{verdict}{late}", minutes(*budget), minutes(*took));
    }
    let budget = outcomes.iter().map(|outcome| outcome.budget).sum();
    let took = outcomes.iter().map(|outcome| outcome.took).sum();
    println!("{:<48} {:>8} {:>8}", "sum", minutes(budget), minutes(took));
}

fn minutes(duration: Duration) -> String {
    let seconds = duration.as_secs();
    format!("{}:{:02}", seconds / 60, seconds % 60)
}
