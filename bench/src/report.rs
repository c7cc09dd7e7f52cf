//! What is shown: a table of figures per scenario, and one of bars at the end.

use serde::{Deserialize, Serialize};

use crate::contender::Contender;
use crate::load::Measured;
use crate::ratio::Ratio;
use crate::record::Decided;
use crate::scenario::Scenario;
use crate::turns::Figures;

/// A row of a table: medians of a contender's repetitions.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Figure {
    pub(crate) scenario: String,
    pub(crate) contender: String,
    pub(crate) callers: usize,
    pub(crate) per_second: f64,
    p50_micros: f64,
    p99_micros: f64,
    /// Events per commit.
    batch: f64,
    /// For each answer, in microseconds; the callers' share is in it where they live in the same process.
    service_micros: f64,
    database_micros: f64,
    written_bytes: f64,
    /// Ratios to the yardsticks with the same number of callers.
    #[serde(skip)]
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
            scenario: scenario.name.to_owned(),
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

pub(crate) fn print_bars(bars: &[Decided]) {
    println!("\n{:<26} {:<72} {:>20} {:>8}", "id", "what", "ratio", "bar");
    for bar in bars {
        let verdict = if bar.passed { "passed" } else { "SHORT" };
        println!("{:<26} {:<72} {:>20} {:>8}  {verdict}", bar.id, bar.what, bar.reached(), bar.limit());
    }
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
