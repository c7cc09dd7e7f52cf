//! What is shown: a table of figures per scenario, one of bars at the end, and the bars as JSON.

use std::path::Path;

use anyhow::Context;
use serde_json::json;

use crate::contender::{Contender, Subject};
use crate::load::Measured;
use crate::ratio::Ratio;
use crate::scenario::{Judged, Scenario};
use crate::turns::Figures;

/// Medians of the repetitions, and ratios to the yardsticks with the same number of callers.
pub(crate) fn print_figures(scenario: &Scenario, figures: &Figures) {
    println!("\n{}", scenario.name);
    print!("{:<24} {:>7} {:>9} {:>9} {:>9} {:>6}", "", "callers", "per s", "p50 µs", "p99 µs", "batch");
    for yardstick in &scenario.yardsticks {
        print!("  {:>26}", format!("× {}", yardstick.name()));
    }
    println!();
    for &subject in &scenario.subjects {
        let Ok(measured) = figures.of(subject) else { continue };
        let median =
            |of: fn(&Measured) -> f64| Ratio::of(measured.iter().map(of).collect()).map_or(0.0, |r| r.median);
        print!(
            "{:<24} {:>7} {:>9.0} {:>9.0} {:>9.0} {:>6.1}",
            subject.contender.name(),
            subject.callers,
            median(|m| m.rate),
            median(|m| crate::load::ratio(m.p50_micros, 1)),
            median(|m| crate::load::ratio(m.p99_micros, 1)),
            median(|m| m.batch.unwrap_or(1.0)),
        );
        for &contender in &scenario.yardsticks {
            let ratio = figures.ratio(subject, Subject { contender, ..subject }, |a, b| a.rate / b.rate);
            print!("  {:>26}", ratio.map_or(String::new(), |ratio| ratio.to_string()));
        }
        println!();
    }
}

pub(crate) fn print_bars(judged: &[Judged]) {
    println!("\n{:<30} {:<58} {:>20} {:>6}", "bar", "what", "ratio", "bar");
    for judged in judged {
        let verdict = if judged.passed() { "passed" } else { "SHORT" };
        println!(
            "{:<30} {:<58} {:>20} {:>6}  {verdict}",
            judged.id, judged.what, judged.ratio, judged.at_least
        );
    }
}

pub(crate) fn write_bars(file: &Path, judged: &[Judged]) -> anyhow::Result<()> {
    let bars: Vec<_> = judged
        .iter()
        .map(|judged| {
            json!({
                "id": judged.id,
                "what": judged.what,
                "ratio": judged.ratio.median,
                "least": judged.ratio.least,
                "most": judged.ratio.most,
                "bar": judged.at_least,
                "passed": judged.passed(),
            })
        })
        .collect();
    let text = serde_json::to_string_pretty(&json!({ "bars": bars }))?;
    std::fs::write(file, text + "\n").with_context(|| format!("cannot write {}", file.display()))
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
