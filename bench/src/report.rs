//! What is shown: a table of figures per scenario, one of bars at the end, and all of it as JSON.

use std::path::Path;

use anyhow::Context;
use serde_json::json;

use crate::bar::{Judged, Limit};
use crate::contender::Contender;
use crate::load::Measured;
use crate::ratio::Ratio;
use crate::scenario::Scenario;
use crate::stage::Findings;
use crate::turns::Figures;

/// A row of a table: medians of a contender's repetitions.
#[derive(Debug)]
pub(crate) struct Figure {
    scenario: &'static str,
    contender: String,
    callers: usize,
    per_second: f64,
    p50_micros: f64,
    p99_micros: f64,
    /// Events per commit.
    batch: f64,
    /// For each answer, in microseconds; the callers' share is in it where they live in the same process.
    service_micros: f64,
    database_micros: f64,
    written_bytes: f64,
    /// Ratios to the yardsticks with the same number of callers.
    compared: Vec<(String, Ratio)>,
}

/// The rows of a scenario's table.
pub(crate) fn figures(scenario: &Scenario, figures: &Figures) -> Vec<Figure> {
    let row = |subject: crate::contender::Subject| {
        let measured = figures.of(subject).ok()?;
        let median =
            |of: fn(&Measured) -> f64| Ratio::of(measured.iter().map(of).collect()).map_or(0.0, |r| r.median);
        let compared = scenario.yardsticks.iter().filter_map(|&yardstick| {
            let ratio = figures.ratio(subject, yardstick.at(subject.callers), |a, b| a.rate / b.rate);
            Some((yardstick.name(), ratio.ok()?))
        });
        Some(Figure {
            scenario: scenario.name,
            contender: subject.contender.name(),
            callers: subject.callers,
            per_second: median(|m| m.rate),
            p50_micros: median(Measured::p50),
            p99_micros: median(Measured::p99),
            batch: median(|m| m.batch.unwrap_or(1.0)),
            service_micros: median(|m| m.micros_each(m.cost.service_seconds)),
            database_micros: median(|m| m.micros_each(m.cost.database_seconds)),
            written_bytes: median(|m| crate::load::ratio(m.cost.written_bytes, m.answered.max(1))),
            compared: compared.collect(),
        })
    };
    scenario.subjects().into_iter().filter_map(row).collect()
}

pub(crate) fn print_figures(name: &str, figures: &[Figure]) {
    println!("\n{name:<24}                                                 for each answer: CPU µs, bytes");
    println!(
        "{:<24} {:>7} {:>9} {:>9} {:>9} {:>6} {:>8} {:>8} {:>7}",
        "", "callers", "per s", "p50 µs", "p99 µs", "batch", "service", "database", "written"
    );
    for figure in figures {
        print!("{:<24} {:>7} {:>9.0}", figure.contender, figure.callers, figure.per_second);
        print!(" {:>9.0} {:>9.0} {:>6.1}", figure.p50_micros, figure.p99_micros, figure.batch);
        print!(" {:>8.1} {:>8.1}", figure.service_micros, figure.database_micros);
        print!(" {:>7.0}", figure.written_bytes);
        for (yardstick, ratio) in &figure.compared {
            print!("  {ratio} × {yardstick}");
        }
        println!();
    }
}

pub(crate) fn print_bars(judged: &[Judged]) {
    println!("\n{:<26} {:<72} {:>20} {:>8}", "id", "what", "ratio", "bar");
    for judged in judged {
        let verdict = if judged.passed() { "passed" } else { "SHORT" };
        println!("{:<26} {:<72} {:>20} {:>8}  {verdict}", judged.id, judged.what, judged.ratio, judged.limit);
    }
}

pub(crate) fn write(file: &Path, findings: &Findings) -> anyhow::Result<()> {
    let bars: Vec<_> = findings.bars.iter().map(bar).collect();
    let figures: Vec<_> = findings.figures.iter().map(figure).collect();
    let text = serde_json::to_string_pretty(&json!({ "bars": bars, "figures": figures }))?;
    std::fs::write(file, text + "\n").with_context(|| format!("cannot write {}", file.display()))
}

fn bar(judged: &Judged) -> serde_json::Value {
    let (bar, side) = match judged.limit {
        Limit::AtLeast(least) => (least, "at_least"),
        Limit::AtMost(most) => (most, "at_most"),
    };
    json!({
        "id": judged.id,
        "what": judged.what,
        "ratio": judged.ratio.median,
        "least": judged.ratio.least,
        "most": judged.ratio.most,
        "bar": bar,
        "side": side,
        "passed": judged.passed(),
    })
}

fn figure(figure: &Figure) -> serde_json::Value {
    json!({
        "scenario": figure.scenario,
        "contender": figure.contender,
        "callers": figure.callers,
        "per_second": figure.per_second,
        "p50_micros": figure.p50_micros,
        "p99_micros": figure.p99_micros,
        "batch": figure.batch,
        "service_micros": figure.service_micros,
        "database_micros": figure.database_micros,
        "written_bytes": figure.written_bytes,
    })
}

pub(crate) fn print_alone(contender: Contender, measured: &Measured) {
    println!(
        "{}: {:.0}/s, p50 {} µs, p99 {} µs, {:.1} % refused, batches of {:.1}",
        contender.name(),
        measured.rate,
        measured.p50_micros,
        measured.p99_micros,
        measured.refused * 100.0,
        measured.batch.unwrap_or(1.0),
    );
}
